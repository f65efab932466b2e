// Files of a browser. Kills: a file read whole, an error in other words than in Node, rows of another place than in Node, a read behind the file's end taken for
// zeros, an index that is ignored, an inflater that goes on behind the end of its data.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { blobArrays, blobShape, encodeNpy, encodeTensors, openBlobRows, type BlobLike } from '../src/index'
import { openRows } from '../src/node'
import { HOSTILE, HOSTILE_ARCHIVES } from './hostile-files'
import { scratchFolder } from './scratch-folder'
import { fortran, zip } from './zip'

const folder = scratchFolder()
const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i)
const file = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name)
const q = encodeNpy(matrix(40, 3, ramp(120)))
const heads = encodeNpy({ shape: [2, 2, 5, 3], data: ramp(60) })

async function first(rows: Awaited<ReturnType<typeof openBlobRows>>, count: number, from = 0): Promise<number[]> {
  await using open = rows
  for await (const { data } of open.blocks(count, from, from + count)) return [...data]
  return []
}

describe('a file of a browser', () => {
  it.each([...HOSTILE, ...HOSTILE_ARCHIVES].map((one) => [one.says, one] as const))(
    'is refused in the words of Node: %s',
    async (_, { name, bytes, index, message }) => {
      const path = join(folder(), name)
      await writeFile(path, bytes)
      const why = (error: Error) => error.message.replaceAll(path, name).replace(/^openRows: /, 'openBlobRows: ')
      const inNode: unknown = await openRows(index ? `${path}[${index.join(',')}]` : path).catch(why)
      expect(inNode).toMatch(message)
      const own = openBlobRows(file(name, bytes), { index })
      await expect(own).rejects.toThrow(inNode as string)
      await expect(own).rejects.toThrow(RangeError)
    },
  )

  it('is refused when cut anywhere', async () => {
    const tensors = encodeTensors({ k: { dtype: 'F32', shape: [2, 2], data: ramp(4) } })
    for (const [name, bytes] of [
      ['a.npy', q],
      ['a.safetensors', tensors],
      ['a.npz', zip({ 'q.npy': q }, { deflate: true })],
    ] as const)
      for (let length = 0; length < bytes.length; length += 3)
        await expect(openBlobRows(file(name, bytes.subarray(0, length)))).rejects.toThrow(`openBlobRows: ${name}: `)
  })

  it('gives the rows that Node gives, of every format', async () => {
    const cases: [BlobLike, object][] = [
      [file('q.npy', q), {}],
      [file('q', fortran(40, 3, ramp(120))), {}],
      [file('x.npz', zip({ 'k.npy': heads, 'q.npy': q }, { deflate: true })), { tensor: 'q' }],
      [file('x.npz', zip({ 'q.npy': q }, { zip64: true })), {}],
      [file('x.npz', zip({ 'f.npy': fortran(40, 3, ramp(120)) }, { deflate: true })), {}],
      [file('x.safetensors', encodeTensors({ q: { dtype: 'F32', shape: [40, 3], data: ramp(120) } })), {}],
    ]
    for (const [one, options] of cases) {
      const rows = await openBlobRows(one, options)
      expect([rows.rows, rows.cols, rows.dtype]).toEqual([40, 3, 'f4'])
      expect(await first(rows, 7, 20)).toEqual([...ramp(120).subarray(60, 81)])
    }
    expect(await first(await openBlobRows(file('h.npy', heads), { index: [1, 0] }), 2)).toEqual([
      30, 31, 32, 33, 34, 35,
    ])
    expect(await blobShape(file('h.npy', heads))).toEqual([2, 2, 5, 3])
    expect(await blobArrays(file('x.npz', zip({ 'k.npy': heads, 'q.npy': q })))).toEqual(['k', 'q'])
    expect(await blobArrays(file('x.npy', q))).toEqual([])
  })

  it('is read by its ranges, and as far as asked', async () => {
    const large = file('large.npy', encodeNpy(matrix(2 ** 20, 16)))
    const reads: number[] = []
    const watched: BlobLike = {
      name: large.name,
      size: large.size,
      slice(start, end) {
        reads.push(end - start)
        return large.slice(start, end)
      },
    }
    expect(await first(await openBlobRows(watched), 4)).toEqual(Array(64).fill(0))
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 ** 20)
    expect(reads.reduce((sum, n) => sum + n, 0)).toBeLessThan(2 ** 21)
  })

  it('is refused when it shrinks and when it was closed, and nothing else is taken for one', async () => {
    const one = file('q.npy', q)
    const shrinks: BlobLike = {
      name: 'q.npy',
      size: one.size,
      slice: (start, end) => one.slice(start, Math.min(end, 300)),
    }
    await expect(first(await openBlobRows(shrinks), 40)).rejects.toThrow(
      'openBlobRows: q.npy: data at byte 300: expected a file of at least 608 bytes, found its end (did it shrink?)',
    )
    const rows = await openBlobRows(one)
    await rows.close()
    await expect(rows.blocks(1).next()).rejects.toThrow('openBlobRows: q.npy: was closed')
    await expect(rows.blocks(0).next()).rejects.toThrow('openBlobRows: size must be an integer >= 1, got 0')
    await expect(openBlobRows('q.npy' as never)).rejects.toThrow(
      'openBlobRows: file must be a File or a Blob, got q.npy',
    )
  })

  it('of an archive has nothing behind its deflated data', async () => {
    const bytes = zip({ 'q.npy': q }, { deflate: true, behind: 3 })
    await writeFile(join(folder(), 'b.npz'), bytes)
    const message = `expected ${q.length} bytes in deflated form, found something else`
    await expect(openRows(join(folder(), 'b.npz'))).rejects.toThrow(message)
    await expect(openBlobRows(file('b.npz', bytes))).rejects.toThrow(message)
  })
})
