import type { KvBlock, Matrix } from '@sublinear/core'

/** Keys of a counter, with what each adds (1 where absent). */
export interface CountBlock {
  readonly items: ArrayLike<number | string | bigint | Uint8Array>
  readonly counts?: ArrayLike<number> | undefined
}

/**
 * Rows of a source: keys and values for a method; a matrix for a sketch or a counter (columns of a counter: the key, and how much it adds); items for a counter.
 */
export type RowBlock = KvBlock | Matrix | CountBlock

/** The number of rows of a block. */
export function rowsIn(block: RowBlock): number {
  if ('items' in block) return block.items.length
  return 'values' in block ? block.keys.rows : block.rows
}
