import type { RowBlock } from './row-block'

/** Largest integer up to which all integers are float32 numbers: a larger key may have been another one. */
const LARGEST = 2 ** 24

/**
 * Hands every item of a block to a counter, with what it adds.
 *
 * @throws TypeError when the block has no items; RangeError for a key in float32 that is no whole number up to 2^24, or a wrong number of columns or counts
 */
export function countBlock(block: RowBlock, add: (key: number | string | bigint | Uint8Array, count: number) => void) {
  if ('items' in block) {
    const { items, counts } = block
    if (counts && counts.length !== items.length)
      throw new RangeError(`cluster: there must be as many counts as items, got ${counts.length} and ${items.length}`)
    for (let i = 0; i < items.length; i++) add(items[i], counts ? counts[i] : 1)
    return
  }
  if (!('data' in block))
    throw new TypeError('cluster: a counter takes blocks of items, or of rows of one or two numbers')
  const { rows, cols, data } = block
  if (cols !== 1 && cols !== 2) throw new RangeError(`cluster: a counter takes rows of one or two numbers, got ${cols}`)
  for (let i = 0; i < rows; i++) {
    const key = data[i * cols]
    if (!(Number.isInteger(key) && key >= 0 && key <= LARGEST))
      throw new RangeError(`cluster: a key in float32 must be a whole number up to 2^24, got ${key}`)
    add(key, cols === 2 ? data[i * cols + 1] : 1)
  }
}
