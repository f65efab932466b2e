// Archives. Kills: a size or a CRC-32 that is not compared, an inflater that goes on beyond what the directory says, zip64 numbers cut to 32 bits, data taken from
// behind the wrong header, Fortran order read forwards, an inflater shared by two readers or left running, a name found in the wrong file.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { type Matrix, matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { decodeNpz, encodeNpy } from '../src/index'
import { arrayShape, openRows } from '../src/node'
import { zipDirectory } from '../src/zip-directory'
import { openEntry } from '../src/zip-entry'
import { scratchFolder, written } from './scratch-folder'

const folder = scratchFolder()
const put = (name: string, bytes: Uint8Array) => written(folder(), name, bytes)
const ramp = (length: number, by = 1) => Float32Array.from({ length }, (_, i) => i * by)

interface Options {
  readonly deflate?: boolean
  readonly zip64?: boolean
  readonly size?: number
  readonly crc?: number
  readonly comment?: string
  readonly before?: number
}

const le = (bytes: number, ...values: number[]) =>
  Buffer.concat(
    values.map((value) => {
      const out = Buffer.alloc(bytes)
      if (bytes === 8) out.writeBigUInt64LE(BigInt(value))
      else out.writeUIntLE(value, 0, bytes)
      return out
    }),
  )

/** An archive from the format's description, written out by hand. */
function zip(
  files: Record<string, Uint8Array>,
  { deflate, zip64, size, crc, comment = '', before = 0 }: Options = {},
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(before)]
  const directory: Buffer[] = []
  let at = before
  for (const [name, data] of Object.entries(files)) {
    const packed = deflate ? deflateRawSync(data) : Buffer.from(data)
    const wide = le(8, size ?? data.length, packed.length)
    const [extra, far] = zip64
      ? [Buffer.concat([le(2, 1, 16), wide]), Buffer.concat([le(2, 1, 24), wide, le(8, at)])]
      : [Buffer.alloc(0), Buffer.alloc(0)]
    const sizes = zip64 ? le(4, 0xffffffff, 0xffffffff) : le(4, packed.length, size ?? data.length)
    const common = (length: number) => [
      le(2, 45, 0, deflate ? 8 : 0, 0, 33),
      le(4, crc ?? crc32(data)),
      sizes,
      le(2, name.length, length),
    ]
    const local = [le(4, 0x04034b50), ...common(extra.length), Buffer.from(name), extra, packed]
    parts.push(...local)
    const place = zip64 ? 0xffffffff : at
    directory.push(
      le(4, 0x02014b50),
      le(2, 45),
      ...common(far.length),
      le(2, 0, 0, 0),
      le(4, 0, place),
      Buffer.from(name),
      far,
    )
    at += Buffer.concat(local).length
  }
  const count = Object.keys(files).length
  const length = Buffer.concat(directory).length
  const record = zip64
    ? [
        le(4, 0x06064b50),
        le(8, 44),
        le(2, 45, 45),
        le(4, 0, 0),
        le(8, count, count, length, at),
        le(4, 0x07064b50, 0),
        le(8, at + length),
        le(4, 1),
      ]
    : []
  const end = zip64
    ? [le(2, 0, 0, 0xffff, 0xffff), le(4, 0xffffffff, 0xffffffff)]
    : [le(2, 0, 0, count, count), le(4, length, at)]
  return Buffer.concat([
    ...parts,
    ...directory,
    ...record,
    le(4, 0x06054b50),
    ...end,
    le(2, comment.length),
    Buffer.from(comment),
  ])
}

/** The same numbers in Fortran order. */
function fortran(rows: number, cols: number, data: Float32Array): Uint8Array {
  const turned = data.map((_, to) => data[(to % rows) * cols + Math.floor(to / rows)])
  const text = Buffer.from(encodeNpy(matrix(rows, cols, turned))).toString('latin1')
  return Buffer.from(text.replace("'fortran_order': False", "'fortran_order': True "), 'latin1')
}

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
  const entry = await openEntry(entries[1], fill)
  for (const reader of [entry.reader(), (await entry.jumping())()]) {
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
  const q = encodeNpy(matrix(4, 3, ramp(12)))
  const zeros = encodeNpy(matrix(100_000, 1))
  it.each<[string, Buffer, RegExp]>([
    ['another CRC-32', zip({ 'q.npy': q }, { crc: 1 }), /q\.npy at byte 35: expected bytes of the CRC-32/],
    ['another CRC-32, deflated', zip({ 'q.npy': q }, { crc: 1, deflate: true }), /expected bytes of the CRC-32/],
    [
      'more than it says',
      zip({ 'q.npy': q }, { size: 100, deflate: true }),
      /expected 100 bytes in deflated form, found more/,
    ],
    [
      'less than it says',
      zip({ 'q.npy': q }, { size: 200, deflate: true }),
      /expected 200 bytes in deflated form, found 176/,
    ],
    ['another size', zip({ 'q.npy': q }, { size: 200 }), /expected at most 176 bytes of q\.npy, found 200/],
    [
      'a size beyond what deflate can',
      zip({ 'q.npy': zeros }, { size: 2 ** 40, deflate: true, zip64: true }),
      /expected at most \d+ bytes of q\.npy, found 1099511627776/,
    ],
    ['bytes before it', zip({ 'q.npy': q }, { before: 4 }), /archive at byte 0: expected the header of a file/],
    ['no array', zip({ 'q.npy': Buffer.from('text') }), /magic at byte 0/],
    [
      'a longer array',
      zip({ 'q.npy': Buffer.concat([q, Buffer.of(0)]) }),
      /expected 48 bytes for shape \(4, 3\), found 49/,
    ],
    ['encrypted', flagged(zip({ 'q.npy': q }), 1), /without encryption/],
    [
      'two of a name',
      Buffer.from(zip({ 'q.npy': q, 'k.npy': q }).toString('latin1').replaceAll('k.npy', 'q.npy'), 'latin1'),
      /each name once/,
    ],
    ['another name in the file', renamed(zip({ 'q.npy': q })), /expected the header of q\.npy, as in the directory/],
  ])('says: %s', async (_, bytes, message) => {
    await expect(decodeNpz(bytes)).rejects.toThrow(message)
    await expect(decodeNpz(bytes)).rejects.toThrow(RangeError)
    const path = await put('r.npz', bytes)
    await expect(openRows(path)).rejects.toThrow(`openRows: ${path}: `)
    await expect(openRows(path)).rejects.toThrow(message)
  })

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

/** The archive with other flags in its directory. */
function flagged(bytes: Buffer, flags: number): Buffer {
  const at = bytes.indexOf(le(4, 0x02014b50))
  bytes.writeUInt16LE(flags, at + 8)
  return bytes
}

/** The archive with another name in front of the data than in its directory. */
function renamed(bytes: Buffer): Buffer {
  bytes.write('x', 30)
  return bytes
}
