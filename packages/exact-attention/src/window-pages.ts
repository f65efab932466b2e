import type { Shape } from '@sublinear/core'

const [LEAST_PAGE, LARGEST_PAGE] = [64, 4096]

/** The tokens of a page of a stream with a window: an eighth of the window, as a power of two. */
export function windowPage(window: number): number {
  return Math.min(LARGEST_PAGE, Math.max(LEAST_PAGE, 2 ** Math.floor(Math.log2(window / 8))))
}

/** The number of the first token still held after so many. A whole page is freed when another page begins and its first query sees nothing of it. */
export function firstHeld(window: number, tokens: number): number {
  if (tokens === 0) return 0
  const page = windowPage(window)
  const opened = page * Math.floor((tokens - 1) / page)
  return page * Math.floor(Math.max(0, opened - window + 1) / page)
}

/** The most pages that are held, each of windowPage tokens or more. */
export function mostPages(window: number, tokens: number): number {
  const page = windowPage(window)
  return Math.min(Math.ceil(tokens / page), Math.ceil((window - 1) / page) + 1)
}

/** The number of columns of values that are held: none where values are in the keys. */
export function valueCols({ dv, values }: Pick<Shape, 'dv' | 'values'>): number {
  return values === 'in keys' ? 0 : dv
}
