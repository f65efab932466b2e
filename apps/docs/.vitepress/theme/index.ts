import DefaultTheme from 'vitepress/theme'
import type { Theme } from 'vitepress'
import { LemmaTrial } from './lemma-trial'
import { plainFrame } from './plain-frame'
import { WhichMethod } from './which-method'
import './frame.css'
import './which-method.css'

/** VitePress's own theme, the table of *which method?*, and statements of the papers that are tried on their pages. */
export default {
  extends: DefaultTheme,
  setup: plainFrame,
  enhanceApp({ app }) {
    app.component('LemmaTrial', LemmaTrial)
    app.component('WhichMethod', WhichMethod)
  },
} satisfies Theme
