// Arrow and Parquet tables that pyarrow wrote (test/columns/make_columns.py). Kills: a batch or row group that is dropped or repeated, offsets of a slice ignored, a null
// read as 0, lists of other lengths run together, float16 taken for integers, a block that is copied where it need not be, a second reading that goes on.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as zlib from 'node:zlib'
import { encodeNpy } from '@sublinear/io'
import { afterAll, describe, expect, it } from 'vitest'
import { axesOf, withInputs } from '../src/open-input'
import { runSublinear } from './run-sublinear'

const tables = fileURLToPath(new URL('columns/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sublinear-columns-'))
afterAll(() => rmSync(folder, { recursive: true }))
const ramp = Float32Array.from({ length: 30 }, (_, i) => i)

const read = async (text: string, size: number) => (await readings(text, [size]))[0]

/** Opens a column once, and reads it in blocks of each size. */
const readings = (text: string, sizes: readonly number[]) =>
  withInputs([text] as const, async (rows) => {
    const found = []
    for (const size of sizes) {
      const blocks = []
      for await (const block of rows.blocks(size)) blocks.push(block)
      const data = Float32Array.from(blocks.flatMap((block) => [...block.data]))
      found.push({ rows: rows.rows, cols: rows.cols, dtype: rows.dtype, data, blocks })
    }
    return found
  })

const hasZstd = typeof zlib.zstdDecompressSync === 'function'

describe('a table', () => {
  it.each([
    ...['f2', 'f4', 'f8', 'i4', 'u1'].map((dtype) => [`fixed-${dtype}.arrow`, dtype]),
    ...['stream.arrows', 'lists.arrow', 'sliced.arrow', 'plain.feather'].map((name) => [name, 'f4']),
    ...['plain', 'snappy', 'gzip', 'brotli', ...(hasZstd ? ['zstd'] : [])].map((name) => [`${name}.parquet`, 'f4']),
    ...['f2', 'f8', 'i4'].map((dtype) => [`fixed-${dtype}.parquet`, dtype]),
  ] as [string, string][])('is read as rows: %s', async (name, dtype) => {
    const sizes = [1, 2, 3, 4, 5, 10, 99]
    for (const [i, found] of (await readings(`${tables}${name}:x`, sizes)).entries()) {
      const size = sizes[i]
      expect(found).toMatchObject({ rows: 10, cols: 3, dtype, data: ramp })
      expect(found.blocks.map(({ rows }) => rows)).toEqual(
        Array.from({ length: Math.ceil(10 / size) }, (_, i) => Math.min(size, 10 - i * size)),
      )
    }
    expect(await read(`${tables}${name}`, 7)).toMatchObject({ rows: 10, data: ramp })
    expect(await axesOf(`${tables}${name}:x`)).toEqual({ shape: [10, 3], index: [] })
  })

  it('gives blocks that lie in one batch without a copy, and starts again', async () => {
    const { blocks } = await read(`${tables}fixed-f4.arrow`, 2)
    expect(blocks[0].data.buffer).toBe(blocks[1].data.buffer)
    await withInputs([`${tables}fixed-f4.arrow`] as const, async (rows) => {
      const one = rows.blocks(3)
      await one.next()
      expect((await rows.blocks(2).next()).value!.data).toEqual(ramp.subarray(0, 6))
      expect((await one.next()).value!.data).toEqual(ramp.subarray(9, 18))
      await one.return()
    })
  })

  it.each([
    ['ragged.arrow', /lists (of x )?must have one length, got 3 and 2/],
    ['null.arrow', /x must have no nulls/],
    ['inner-null.arrow', /x must have no nulls/],
    ['nan.arrow', /data at row 10, column 2: expected a finite float32, found NaN/],
    ['two.arrow', /name a column of lists of numbers: x, y/],
    ['two.arrow:z', /name a column of lists of numbers: x, y; got z/],
    ['none.arrow', /has no column of lists of numbers/],
    ['two.arrow:x[0]', /rows of a table have no further axes, got \[0\]/],
    ['ragged.parquet', /lists of x must have one length, got 3 and 2/],
    ['null.parquet', /x must have no nulls, got one at row 10/],
    ['inner-null.parquet', /x must have no nulls, got one at row 10/],
    ['two.parquet:id', /name a column of lists of numbers: x, y; got id/],
    ['none.parquet', /has no column of lists of numbers/],
  ])('is refused: %s', async (name, message) => {
    const refused = await read(`${tables}${name}`, 4).catch((error: Error) => error.message)
    expect(refused).toMatch(message)
    expect(refused).toContain(`${tables}${name.replace(/:.*/, '')}: `)
  })

  it.each(['fixed-f4.arrow', 'stream.arrows', 'snappy.parquet', 'gzip.parquet'])(
    'is refused when cut, or reads the same: %s',
    async (name) => {
      const bytes = readFileSync(`${tables}${name}`)
      const path = join(folder, name)
      let refused = 0
      const isStream = name.endsWith('.arrows') // which may end behind any batch
      for (let length = 0; length < bytes.length; length += 97) {
        writeFileSync(path, bytes.subarray(0, length))
        const found = await read(path, 4).catch((error: Error) => {
          refused++
          expect(error.message.startsWith(`${path}: `)).toBe(true)
        })
        if (found !== undefined) expect(found.data).toEqual(isStream ? ramp.subarray(0, found.rows * 3) : ramp)
      }
      expect(refused).toBeGreaterThan(5)
    },
  )

  it('is an input of every command', async () => {
    writeFileSync(join(folder, 'k.npy'), encodeNpy({ shape: [10, 3], data: ramp.map((x) => x / 30) }))
    copyFileSync(`${tables}two.arrow`, join(folder, 'q.arrow'))
    copyFileSync(`${tables}snappy.parquet`, join(folder, 'v.parquet'))
    const { code, stderr } = await runSublinear(
      ['attend', 'q.arrow:x', 'k.npy', 'v.parquet:x', '--out', 'o.npy', '--stream', 'exact', '--quiet'],
      { cwd: folder },
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(readFileSync(join(folder, 'o.npy')).length).toBe(128 + 120)
  })
})
