/** Most tokens of a block: longer blocks balance no better for the cost of their kernel. */
const MOST_BLOCK = 256
const LEVELS = 3

/** Fewest tokens for which a tree is made. */
export const LEAST_CAPACITY = 8

/** Block, levels and capacity for so many tokens. Blocks of an 8th, 16th and 32nd of the tokens, and more levels, were tried and no better. */
export function cacheSizes(capacity: number): {
  readonly blockSize: number
  readonly levels: number
  readonly capacity: number
} {
  return { blockSize: Math.min(MOST_BLOCK, Math.floor(capacity / (LEVELS + 1))), levels: LEVELS, capacity }
}
