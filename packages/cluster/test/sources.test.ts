// Kills: a range that begins or ends a row off, a shard that reads rows of others (or all of them), keys and values out of step, a row group's edge that drops rows,
// a file of another width or length taken, a counter that takes keys that float32 has rounded.
import { matrix, encodeTensors, type Matrix } from '@sublinear/core'
import { encodeNpy } from '@sublinear/io'
import { copyFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { runInline, shardPlan, type FileRows } from '../src'
import { openFileRows } from '../src/file-rows'
import { exactPlan, shape, wholeRows } from './plans'
import { scratchFolder, written } from '../../io/test/scratch-folder'

const folder = scratchFolder()
const ROWS = 200
const { keys, values } = wholeRows(ROWS)
const parquet = new URL('../../../apps/cli/test/columns/', import.meta.url).pathname

async function range(file: FileRows, size: number, first: number, end: number): Promise<number[]> {
  const rows = await openFileRows(file)
  const out: number[] = []
  for await (const block of rows.blocks(size, first, end)) {
    expect(block.rows).toBeLessThanOrEqual(size)
    out.push(...block.data)
  }
  await rows.close()
  return out
}

const tensor = (m: Matrix) => ({ dtype: 'F32' as const, shape: [m.rows, m.cols], data: m.data })

const files = {
  npy: async () => written(folder(), 'k.npy', encodeNpy(keys)),
  safetensors: async () => {
    return {
      path: await written(folder(), 'kv.safetensors', encodeTensors({ k: tensor(keys), v: tensor(values) })),
      tensor: 'k',
    }
  },
}

describe.each(Object.entries(files))('%s', (_, put) => {
  it('gives exactly the rows of a range', async () => {
    const file = await put()
    for (const [first, end] of [
      [0, ROWS],
      [0, 1],
      [ROWS - 1, ROWS],
      [63, 129],
      [50, 50],
    ])
      for (const size of [1, 7, 64, 1000])
        expect(await range(file, size, first, end)).toEqual([...keys.data.subarray(first * 3, end * 3)])
  })
})

test('a Parquet column gives the rows of a range, across row groups, as all of it has them', async () => {
  for (const name of ['plain.parquet', 'snappy.parquet']) {
    const file = { path: join(parquet, name), tensor: 'x' }
    const { rows, cols } = await openFileRows(file)
    expect([rows, cols]).toEqual([10, 3])
    for (let first = 0; first <= rows; first++)
      for (let end = first; end <= rows; end++)
        expect(await range(file, 2, first, end)).toEqual(
          Array.from({ length: 3 * (end - first) }, (_, i) => 3 * first + i),
        )
  }
  const ragged = { path: join(parquet, 'ragged.parquet'), tensor: 'x' }
  await expect(range(ragged, 9, 0, 11)).rejects.toThrow(/must have lists of 3 numbers, no nulls \(row 10\)/)
  await expect(openFileRows(join(parquet, 'plain.parquet'))).rejects.toThrow('name a column: id, x; got none')
})

test('a plan over files is the plan over the rows that they hold', async () => {
  const source = { keys: await files.npy(), values: await written(folder(), 'v.npy', encodeNpy(values)) }
  const plan = await shardPlan({ method: { name: 'exact', shape }, source, rowsPerShard: 37, fanIn: 3, blockRows: 10 })
  const generated = await exactPlan({ rows: ROWS, rowsPerShard: 37 })
  expect(plan.rows).toBe(ROWS)
  expect(Buffer.compare((await runInline(plan)).root, (await runInline(generated)).root)).toBe(0)
})

test('a shard reads no rows but its own: damage elsewhere is not seen', async () => {
  const path = join(folder(), 'damaged.npy')
  await copyFile(await files.npy(), path)
  const file = await open(path, 'r+')
  await file.write(Float32Array.of(NaN), 0, 4, (await file.stat()).size - 4) // the last entry
  await file.close()
  const rows = await range(path, 64, 0, ROWS - 1)
  expect(rows).toHaveLength((ROWS - 1) * 3)
  await expect(range(path, 64, 0, ROWS)).rejects.toThrow(/row 199, column 2/)
})

const plan = (source: object, rest: object = { method: { name: 'exact', shape } }) =>
  shardPlan({ source, rowsPerShard: 10, ...rest } as never)

describe('refuses', () => {
  it('files that do not fit', async () => {
    const k = await files.npy()
    const v = await written(folder(), 'short.npy', encodeNpy(matrix(3, 2, new Float32Array(6))))
    await expect(plan({ keys: k, values: v })).rejects.toThrow('keys and values must have as many rows, got 200 and 3')
    await expect(plan({ keys: v, values: v })).rejects.toThrow('keys must have 3 columns, got 2')
    await expect(plan({ rows: k })).rejects.toThrow('source must give keys and values')
    await expect(plan({ keys: join(folder(), 'none.npy'), values: v })).rejects.toThrow('there is no such file')
    await expect(plan({ keys: k, value: v })).rejects.toThrow('did you mean values?')
  })

  it('keys that float32 may have rounded, and takes whole ones with what they add', async () => {
    const counter = { counter: { kind: 'frequentItems', count: 8 } }
    const counted = async (...data: number[]) => {
      const path = await written(folder(), 'c.npy', encodeNpy(matrix(data.length / 2, 2, Float32Array.from(data))))
      return runInline(await plan({ rows: path, version: String(data) }, counter))
    }
    for (const key of [0.5, -1, 2 ** 24 + 2])
      await expect(counted(key, 1)).rejects.toThrow(/a whole number up to 2\^24/)
    const items = (await (await counted(5, 2, 7, 1, 5, 3)).open()) as unknown as {
      bounds(key: number): { lower: number }
    }
    expect([items.bounds(5).lower, items.bounds(7).lower]).toEqual([5, 1])
  })
})
