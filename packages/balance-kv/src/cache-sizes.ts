/** Longer blocks balance no better for what their kernel costs. */
const MOST_BLOCK = 256
const LEVELS = 3

/** A tree of fewer tokens is not begun. */
export const LEAST_CAPACITY = 8

/** Block, levels and capacity for so many tokens. Blocks of an 8th, 16th and 32nd of the tokens, and more levels, were no better. */
export function cacheSizes(capacity: number): {
  readonly blockSize: number
  readonly levels: number
  readonly capacity: number
} {
  return { blockSize: Math.min(MOST_BLOCK, Math.floor(capacity / (LEVELS + 1))), levels: LEVELS, capacity }
}
