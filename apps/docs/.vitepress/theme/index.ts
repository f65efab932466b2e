import DefaultTheme from 'vitepress/theme'
import type { Theme } from 'vitepress'
import { WhichMethod } from './which-method'
import './which-method.css'

/** VitePress's own theme, and the table of *which method?*. */
export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('WhichMethod', WhichMethod)
  },
} satisfies Theme
