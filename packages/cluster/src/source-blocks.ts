import type { Matrix } from '@sublinear/core'
import { openFileRows } from './file-rows'
import type { FileRows, ShardPlan, Source } from './plan'
import { rowsIn, type RowBlock } from './row-block'

/** Function that a module of rows exports. */
export type RowsFunction = (
  first: number,
  count: number,
  options: unknown,
) => Iterable<RowBlock> | AsyncIterable<RowBlock> | Promise<Iterable<RowBlock> | AsyncIterable<RowBlock>>

/**
 * Reads rows first … end − 1 of a plan's source, block by block: of a file only these rows are read, and only one block is held.
 *
 * @throws Error when a file or module cannot be opened; RangeError when it gives fewer or more rows
 */
export async function* sourceBlocks(plan: ShardPlan, first: number, end: number): AsyncGenerator<RowBlock> {
  const { source, blockRows } = plan
  if (source === undefined) throw new TypeError('cluster: the plan has no source')
  let at = first
  for await (const block of blocksOf(source, first, end, blockRows)) {
    at += rowsIn(block)
    if (at > end) throw new RangeError(`cluster: the source gave more than the rows ${first} to ${end - 1}`)
    yield block
  }
  if (at < end) throw new RangeError(`cluster: the source gave ${at - first} rows of ${end - first} from ${first} on`)
}

async function* blocksOf(source: Source, first: number, end: number, size: number): AsyncGenerator<RowBlock> {
  if ('module' in source) {
    const { rows } = (await import(source.module)) as { rows?: RowsFunction | undefined }
    if (typeof rows !== 'function') throw new TypeError(`cluster: ${source.module} must export a function rows`)
    yield* await rows(first, end - first, source.options)
  } else if ('rows' in source) {
    yield* matrices(source.rows, first, end, size)
  } else {
    const keys = matrices(source.keys, first, end, size)
    const values = matrices(source.values, first, end, size)
    try {
      for (;;) {
        const [key, value] = await Promise.all([keys.next(), values.next()])
        if (key.done || value.done) return
        yield { keys: key.value, values: value.value }
      }
    } finally {
      await Promise.all([keys.return(undefined), values.return(undefined)])
    }
  }
}

async function* matrices(file: FileRows, first: number, end: number, size: number): AsyncGenerator<Matrix> {
  const rows = await openFileRows(file)
  try {
    yield* rows.blocks(size, first, end)
  } finally {
    await rows.close()
  }
}

/**
 * Counts the rows of a source, and checks that a file has as many columns as the summary needs.
 *
 * @throws RangeError when keys and values differ in rows, or columns do not fit
 */
export async function sourceRows(
  source: Source,
  widths: readonly (readonly [string, number | undefined])[],
): Promise<number> {
  if ('module' in source) return source.rows
  const files = 'rows' in source ? [source.rows] : [source.keys, source.values]
  if (files.length !== widths.length)
    throw new RangeError(`shardPlan: source must give ${widths.map(([name]) => name).join(' and ')}`)
  const counts: number[] = []
  for (const [i, file] of files.entries()) {
    const rows = await openFileRows(file)
    await rows.close()
    counts.push(rows.rows)
    const [name, cols] = widths[i]
    if (cols !== undefined && rows.cols !== cols)
      throw new RangeError(`shardPlan: ${name} must have ${cols} columns, got ${rows.cols}`)
  }
  if (counts.some((count) => count !== counts[0]))
    throw new RangeError(`shardPlan: keys and values must have as many rows, got ${counts.join(' and ')}`)
  return counts[0]
}
