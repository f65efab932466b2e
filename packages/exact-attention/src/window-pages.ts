import type { Shape } from '@sublinear/core'

const [LEAST_PAGE, LARGEST_PAGE] = [64, 4096]

/** Tokens of a page of a stream that forgets what is out of its window: an eighth of it, as a power of two. */
export function windowPage(window: number): number {
  return Math.min(LARGEST_PAGE, Math.max(LEAST_PAGE, 2 ** Math.floor(Math.log2(window / 8))))
}

/** The first token still held after so many: pages are let go of when another is begun, whole, once its first query sees nothing of them. */
export function firstHeld(window: number, tokens: number): number {
  if (tokens === 0) return 0
  const page = windowPage(window)
  const opened = page * Math.floor((tokens - 1) / page)
  return page * Math.floor(Math.max(0, opened - window + 1) / page)
}

/** Pages that are held at most, of as many tokens or more. */
export function mostPages(window: number, tokens: number): number {
  const page = windowPage(window)
  return Math.min(Math.ceil(tokens / page), Math.ceil((window - 1) / page) + 1)
}

/** Columns of values that are held: none where they are in the keys. */
export function valueCols({ dv, values }: Pick<Shape, 'dv' | 'values'>): number {
  return values === 'in keys' ? 0 : dv
}
