// Archives. Kills: a size or a CRC-32 that is not compared, an inflater that goes on beyond what the directory says, zip64 numbers cut to 32 bits, data taken from
// behind the wrong header, Fortran order read forwards, an inflater shared by two readers or left running, a name found in the wrong file.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Matrix, matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { decodeNpz, encodeNpy } from '../src/index'
import { arrayShape, openRows } from '../src/node'
import { zipDirectory } from '../src/zip-directory'
import { openEntry } from '../src/zip-entry'
import { nodeInflate } from '../src/node-inflate'
import { streamInflate } from '../src/stream-inflate'
import { HOSTILE_ARCHIVES } from './hostile-files'
import { scratchFolder, written } from './scratch-folder'
import { fortran, zip } from './zip'

const folder = scratchFolder()
const put = (name: string, bytes: Uint8Array) => written(folder(), name, bytes)
const ramp = (length: number, by = 1) => Float32Array.from({ length }, (_, i) => i * by)

async function all(path: string, size: number, options = {}): Promise<Matrix[]> {
  await using rows = await openRows(path, options)
  const blocks: Matrix[] = []
  for await (const block of rows.blocks(size)) blocks.push(block)
  return blocks
}
const joined = (blocks: Matrix[]) => Float32Array.from(blocks.flatMap(({ data }) => [...data]))

const kinds = [
  { deflate: false, zip64: false },
  { deflate: true, zip64: false },
  { deflate: false, zip64: true },
  { deflate: true, zip64: true, comment: 'more' },
]

describe.each(kinds)('an archive: %o', (options) => {
  const q = encodeNpy(matrix(4, 3, ramp(12)))
  const heads = encodeNpy({ shape: [2, 2, 2, 1], data: ramp(8, -1) })
  const bytes = zip(
    { 'q.npy': q, 'heads.npy': heads, 'f.npy': fortran(4, 3, ramp(12)), 'note.txt': Buffer.from('hi') },
    options,
  )

  it('is decoded', async () => {
    const arrays = await decodeNpz(bytes)
    expect([...arrays.keys()]).toEqual(['q', 'heads', 'f'])
    expect(arrays.get('q')).toEqual({ dtype: 'f4', shape: [4, 3], data: ramp(12) })
    expect(arrays.get('f')!.data).toEqual(ramp(12))
    expect([...(await decodeNpz(bytes, { keys: ['heads'] })).keys()]).toEqual(['heads'])
  })

  it('is read as rows, by key and index, again and interleaved', async () => {
    const path = await put('x.npz', bytes)
    for (let size = 1; size <= 5; size++) {
      expect(joined(await all(path, size, { tensor: 'q' }))).toEqual(ramp(12))
      expect(joined(await all(path, size, { tensor: 'f' }))).toEqual(ramp(12))
    }
    expect(joined(await all(`${path}[1,0]`, 9, { tensor: 'heads' }))).toEqual(Float32Array.of(-4, -5))
    expect(await arrayShape(path, { tensor: 'heads' })).toEqual({ shape: [2, 2, 2, 1], index: [] })
    await using rows = await openRows(path, { tensor: 'q' })
    const [one, two] = [rows.blocks(1), rows.blocks(3)]
    await one.next()
    expect((await two.next()).value!.data).toEqual(ramp(9))
    expect([...(await one.next()).value!.data]).toEqual([3, 4, 5])
    expect((await two.next()).value!.data).toEqual(ramp(12).subarray(9))
    await one.return()
    await expect(openRows(path)).rejects.toThrow(`${path}: tensor must be given, one of: q, heads, f`)
    await expect(openRows(path, { tensor: 'k' })).rejects.toThrow(/one of: q, heads, f; got "k"/)
  })

  it('is refused when cut anywhere', async () => {
    for (let length = 0; length < bytes.length; length += 7)
      await expect(decodeNpz(bytes.subarray(0, length))).rejects.toThrow(/^npz: .* at byte \d+: expected/)
    await expect(openRows(await put('cut.npz', bytes.subarray(0, -1)), { tensor: 'q' })).rejects.toThrow(
      /cut\.npz: npz: /,
    )
  })
})

it.each([false, true])('one file of an archive is read at any place, backwards too (deflated: %s)', async (deflate) => {
  const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 251)
  const bytes = zip({ 'note.txt': Buffer.from('hi'), 'x.bin': data }, { deflate })
  const fill = async (_: string, at: number, into: Uint8Array) => (into.set(bytes.subarray(at, at + into.length)), into)
  const entries = await zipDirectory(bytes.length, (what, at, length) => fill(what, at, new Uint8Array(length)))
  const entry = await openEntry(entries[1], { fill, inflate: nodeInflate })
  const other = await openEntry(entries[1], { fill, inflate: streamInflate })
  for (const reader of [entry.reader(), (await entry.jumping())(), other.reader()]) {
    for (const [at, length] of [
      [200_000, 10],
      [0, 70_000],
      [5, 3],
      [299_999, 1],
      [65_530, 20],
      [100, 250_000],
    ] as const)
      expect(await reader.fill('data', at, new Uint8Array(length))).toEqual(data.subarray(at, at + length))
    await reader.close()
  }
})

describe('a refused archive', () => {
  it.each(HOSTILE_ARCHIVES.map(({ says, bytes, message }) => [says, bytes, message] as const))(
    'says: %s',
    async (_, bytes, message) => {
      await expect(decodeNpz(bytes)).rejects.toThrow(message)
      await expect(decodeNpz(bytes)).rejects.toThrow(RangeError)
      const path = await put('r.npz', bytes)
      await expect(openRows(path)).rejects.toThrow(`openRows: ${path}: `)
      await expect(openRows(path)).rejects.toThrow(message)
    },
  )

  it('does not take memory for what it only claims, and reads what is long', async () => {
    const long = encodeNpy(matrix(600_000, 2, ramp(1_200_000)))
    const path = join(folder(), 'long.npz')
    for (const deflate of [false, true]) {
      await writeFile(path, zip({ 'q.npy': long }, { deflate }))
      await using rows = await openRows(path)
      let next = 0
      for await (const { data } of rows.blocks(70_001)) for (const x of data) if (x !== next++) throw new Error(`${x}`)
      expect(next).toBe(1_200_000)
    }
  })
})
