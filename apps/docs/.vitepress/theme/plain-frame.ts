import { useRoute } from 'vitepress'
import { onMounted, watch } from 'vue'

/** Names of the frame around a page, made plain for readers of screens: the sidebar's groups are buttons without a second button within, and the search is called by its word alone. */
export function plainFrame(): void {
  const route = useRoute()
  onMounted(plain)
  watch(() => route.path, plain, { flush: 'post' })
}

function plain(): void {
  for (const caret of document.querySelectorAll('.VPSidebarItem .item[role="button"] > .caret')) {
    for (const name of ['role', 'tabindex', 'aria-label']) caret.removeAttribute(name)
    caret.setAttribute('aria-hidden', 'true')
  }
  for (const key of document.querySelectorAll('.DocSearch-Button-Keys > :last-child')) {
    key.textContent = '' // frame.css draws the letter, so that it is no part of a text
    key.classList.add('drawn')
  }
}
