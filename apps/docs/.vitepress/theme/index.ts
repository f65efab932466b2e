import DefaultTheme from 'vitepress/theme'
import type { Theme } from 'vitepress'
import { LemmaTrial } from './lemma-trial'
import { plainCarets } from './plain-carets'
import { WhichMethod } from './which-method'
import './which-method.css'

/** VitePress's own theme, the table of *which method?*, and statements of the papers that are tried on their pages. */
export default {
  extends: DefaultTheme,
  setup: plainCarets,
  enhanceApp({ app }) {
    app.component('LemmaTrial', LemmaTrial)
    app.component('WhichMethod', WhichMethod)
  },
} satisfies Theme
