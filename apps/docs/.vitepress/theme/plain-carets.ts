import { useRoute } from 'vitepress'
import { onMounted, watch } from 'vue'

/** Makes the carets of the sidebar's groups plain: the group itself is the button, and a button within a button confuses readers of screens. */
export function plainCarets(): void {
  const route = useRoute()
  onMounted(plain)
  watch(() => route.path, plain, { flush: 'post' })
}

function plain(): void {
  for (const caret of document.querySelectorAll('.VPSidebarItem .item[role="button"] > .caret')) {
    for (const name of ['role', 'tabindex', 'aria-label']) caret.removeAttribute(name)
    caret.setAttribute('aria-hidden', 'true')
  }
}
