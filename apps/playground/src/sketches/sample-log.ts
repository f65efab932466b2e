const PAGES = ['/', '/login', '/search', '/cart', '/docs', '/api/items', '/about', '/help', '/news', '/img/logo.svg']

/** A log of requests: few pages are asked for often, and many once. The same text for the same seed. */
export function sampleLog(lines: number, seed: number): string {
  let state = seed >>> 0
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({ length: lines }, () => {
    const rank = Math.floor(Math.exp(random() * 9)) - 1
    return rank < PAGES.length ? PAGES[rank] : `/item/${rank}`
  }).join('\n')
}
