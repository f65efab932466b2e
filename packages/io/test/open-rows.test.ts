// Kills: a panel boundary that drops or repeats a row, blocks that share memory, a second blocks() that goes on instead of
// starting again, two iterations that share a buffer, Fortran strides swapped, the index of a matrix ignored or its axes swapped,
// a tensor's offset taken from the data instead of the file, rows counted in a block instead of the file, the whole file read.
import { type FileHandle, appendFile, mkdir, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Matrix, encodeTensors, matrix } from '@sublinear/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodeNpy } from '../src/index'
import { type OpenRowsOptions, arrayShape, openRows } from '../src/node'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'sublinear-'))))
afterAll(() => rm(folder, { recursive: true }))

async function put(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes)
  return join(folder, name)
}

async function all(path: string, size: number, options: OpenRowsOptions = {}): Promise<Matrix[]> {
  await using rows = await openRows(path, options)
  const blocks: Matrix[] = []
  for await (const block of rows.blocks(size)) blocks.push(block)
  return blocks
}

/** An .npy file of float32 without data. */
function header(shape: string): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + '\n'
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\0', 'latin1'), Buffer.from([118, 0]), Buffer.from(text)])
}

it('a file of no rows costs nothing, whatever width it claims, up to a bound', async () => {
  const wide = await put('wide.npy', header('(0, 16777216)'))
  expect(await all(wide, 1_000_000_000)).toEqual([])
  for (const cols of [2 ** 24 + 1, 400_000_000, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const path = await put('wider.npy', header(`(0, ${cols})`))
    await expect(openRows(path)).rejects.toThrow(`${path}: a row must have at most 2^24 entries, got ${cols}`)
  }
})

const joined = (blocks: Matrix[]) => Float32Array.from(blocks.flatMap(({ data }) => [...data]))
const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i)

/** The same numbers in Fortran order: `at` maps a position in the file to one in row-major order. */
function fortran(shape: number[], data: Float32Array): Uint8Array {
  const bytes = Buffer.from(encodeNpy({ shape, data: data.map((_, to) => data[rowMajorOf(shape, to)]) }))
  return Buffer.from(bytes.toString('latin1').replace("'fortran_order': False", "'fortran_order': True "), 'latin1')
}
function rowMajorOf(shape: number[], position: number): number {
  let at = 0
  let rest = position
  const index = shape.map((n) => [rest % n, (rest = Math.floor(rest / n))][0])
  for (const [axis, i] of index.entries()) at = at * shape[axis] + i
  return at
}

describe('openRows', () => {
  it('gives all rows in order for every block size, again and interleaved, in fresh memory', async () => {
    const data = ramp(21)
    const path = await put('a.npy', encodeNpy(matrix(7, 3, data)))
    for (let size = 1; size <= 9; size++) {
      const blocks = await all(path, size)
      expect(blocks.map(({ rows, cols }) => [rows, cols])).toEqual(
        Array.from({ length: Math.ceil(7 / size) }, (_, i) => [Math.min(size, 7 - i * size), 3]),
      )
      expect(joined(blocks)).toEqual(data)
    }
    await using rows = await openRows(path)
    expect([rows.rows, rows.cols, rows.dtype]).toEqual([7, 3, 'f4'])
    const [one, two] = [rows.blocks(2), rows.blocks(5)]
    const first = (await one.next()).value!
    expect((await two.next()).value!.data).toEqual(ramp(15))
    expect((await one.next()).value!.data).toEqual(ramp(12).subarray(6))
    first.data.fill(-1)
    expect((await rows.blocks(1).next()).value!.data).toEqual(ramp(3))
  })

  it.each([
    ['many panels', 3, 200_000],
    ['rows as long as a panel', 262_144, 3],
    ['rows longer than a panel', 300_001, 2],
  ])('gives %s in both orders', async (_, cols, rows) => {
    const data = ramp(rows * cols)
    const c = await all(await put('c.npy', encodeNpy(matrix(rows, cols, data))), 70_001)
    const f = await all(await put('f.npy', fortran(cols < 9 ? [rows, cols] : [rows * cols, 1], data)), 70_001)
    for (const blocks of [c, f]) {
      const flat = Buffer.concat(blocks.map((block) => new Uint8Array(block.data.buffer)))
      expect(flat.equals(new Uint8Array(data.buffer))).toBe(true)
    }
  })

  it('lets two iterations run side by side in different panels', async () => {
    const data = ramp(600_000)
    await using rows = await openRows(await put('two.npy', encodeNpy(matrix(300_000, 2, data))))
    const ahead = rows.blocks(100_000)
    await ahead.next()
    const blocks: Matrix[] = []
    for await (const block of rows.blocks(100_000)) {
      blocks.push(block)
      await ahead.next()
    }
    expect(
      Buffer.concat(blocks.map((block) => new Uint8Array(block.data.buffer))).equals(new Uint8Array(data.buffer)),
    ).toBe(true)
  })

  it('addresses a matrix of a 3-D and a 4-D array in both orders, and reads one axis as a column', async () => {
    const data = ramp(2 * 3 * 4 * 5)
    const files = [
      await put('c4.npy', encodeNpy({ shape: [2, 3, 4, 5], data })),
      await put('f4.npy', fortran([2, 3, 4, 5], data)),
    ]
    for (const path of files) {
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 3; j++) {
          const from = (i * 3 + j) * 20
          expect(joined(await all(`${path}[${i},${j}]`, 3))).toEqual(data.subarray(from, from + 20))
        }
      }
    }
    expect(joined(await all(`${await put('c3.npy', encodeNpy({ shape: [6, 4, 5], data }))}[5]`, 2))).toEqual(
      data.subarray(100),
    )
    expect(await all(await put('v.npy', encodeNpy({ shape: [3], data: ramp(3) })), 2)).toEqual([
      matrix(2, 1, ramp(2)),
      matrix(1, 1, Float32Array.of(2)),
    ])
    expect(await all(await put('none.npy', encodeNpy(matrix(0, 4))), 2)).toEqual([])
  })

  it('prefers a file whose name ends in brackets', async () => {
    await put('k.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) }))
    const literal = join(folder, 'k.npy[1]')
    expect(joined(await all(literal, 1))).toEqual(Float32Array.of(1))
    await put('k.npy[1]', encodeNpy(matrix(1, 1, Float32Array.of(9))))
    expect(joined(await all(literal, 1))).toEqual(Float32Array.of(9))
    await put('k.npy[0]', encodeTensors({ a: { dtype: 'F32', shape: [1], data: Float32Array.of(8) } }))
    expect(joined(await all(join(folder, 'k.npy[0]'), 1))).toEqual(Float32Array.of(8))
  })

  it('reads every float dtype of .npy and .safetensors', async () => {
    const data = Float32Array.of(1, -2, 0.5, 65504, 2 ** -24, 3)
    for (const dtype of ['f2', 'f4', 'f8'] as const) {
      const bytes = encodeNpy(matrix(3, 2, data), { dtype })
      expect(joined(await all(await put('d.npy', bytes), 2))).toEqual(data)
      const width = { f2: 2, f4: 4, f8: 8 }[dtype]
      for (let at = 128; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
      bytes[bytes.indexOf(0x3c)] = 0x3e // '<' to '>'
      expect(joined(await all(await put('d.npy', bytes), 2))).toEqual(data)
    }
    const path = await put(
      't.safetensors',
      encodeTensors({
        wide: { dtype: 'F64', shape: [1, 2, 3], data: Float64Array.from(data) },
        half: { dtype: 'F16', shape: [3, 2], data },
        whole: { dtype: 'I32', shape: [2], data: Int32Array.of(-5, 7) },
        brain: { dtype: 'BF16', shape: [1, 2], data: Float32Array.of(1, -2) },
        bytes: { dtype: 'U8', shape: [1], data: Uint8Array.of(1) },
      }),
    )
    expect(joined(await all(`${path}[0]`, 2, { tensor: 'wide' }))).toEqual(data)
    expect(joined(await all(path, 2, { tensor: 'half' }))).toEqual(data)
    expect(joined(await all(path, 2, { tensor: 'brain' }))).toEqual(data.subarray(0, 2))
    expect(joined(await all(path, 2, { tensor: 'whole' }))).toEqual(Float32Array.of(-5, 7))
    await expect(all(path, 1)).rejects.toThrow(`${path}: tensor must be given, one of: wide, whole, brain, half, bytes`)
    await expect(all(path, 1, { tensor: 'x' })).rejects.toThrow(/one of: wide, .*; got "x"/)
    await expect(all(path, 1, { tensor: 'bytes' })).rejects.toThrow(/bytes must be F16, BF16, F32, F64, I32 .*got U8/)
    const alone = await put('one.safetensors', encodeTensors({ a: { dtype: 'F32', shape: [3, 2], data } }))
    expect(joined(await all(alone, 1))).toEqual(data)
  })

  it('refuses entries that are not finite with their row and column, after the rows before them', async () => {
    const data = Float64Array.from(ramp(20))
    data[13] = 1e39 // a float64 that float32 does not have
    const path = await put('i.npy', encodeNpy({ shape: [10, 2], data }))
    await using rows = await openRows(path)
    const blocks = rows.blocks(4)
    expect((await blocks.next()).value!.data).toEqual(ramp(8))
    await expect(blocks.next()).rejects.toThrow(
      `${path}: data at row 6, column 1: expected a finite float32, found Infinity`,
    )
    expect(joined(await all(path, 3, { finite: false }))).toEqual(Float32Array.from(data))
  })
})

const ramp2 = matrix(1, 2, Float32Array.of(1, 2))
/** A file whose header says this. */
function typed(descr: string, fortran = 'False'): Promise<string> {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (2,), }\n`
  return put(
    'typed.npy',
    Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.of(dict.length, 0), Buffer.from(dict)]),
  )
}

describe('a file that cannot be read as rows', () => {
  it.each<[string, () => Promise<string>, string | RegExp]>([
    ['missing', async () => join(folder, 'missing.npy'), /missing\.npy: there is no such file/],
    ['missing, with an index', async () => join(folder, 'missing.npy[0]'), /missing\.npy: there is no such file/],
    [
      'empty',
      () => put('empty.npy', new Uint8Array(0)),
      /empty\.npy: is empty \(npy: magic at byte 0: expected byte 147, found the end\)/,
    ],
    ['empty', () => put('empty.safetensors', new Uint8Array(0)), /file at byte 0: expected at least 10 bytes, found 0/],
    ['text', () => put('text.npy', Buffer.from('1,2\n3,4')), /text\.npy: is not a \.npy file \(npy: magic at byte 0/],
    ['an archive', () => put('x.npz', Buffer.from('PK\u0003\u0004 and more')), /x\.npz: is a \.npz archive: save one/],
    [
      'an archive in disguise',
      () => put('z.npy', Buffer.from('PK\u0003\u0004 and more')),
      /z\.npy: is a \.npz archive/,
    ],
    ['of int8', () => typed('|i1'), /holds int8 numbers, which are not read: save x\.astype\('float32'\) \(npy: descr/],
    ['of int64', () => typed('<i8'), /holds int64 numbers/],
    ['of uint8', () => typed('|u1'), /holds uint8 numbers/],
    ['of booleans', () => typed('|b1'), /holds booleans.*astype/],
    ['of complex numbers', () => typed('<c8'), /holds complex numbers.*x\.real/],
    ['of words', () => typed('<U3'), /holds no plain numbers/],
    [
      'cut short',
      async () => put('cut.npy', encodeNpy(ramp2).subarray(0, 130)),
      /cut\.npy: is cut short \(npy: data at byte 128/,
    ],
    [
      'too long',
      () => put('long.npy', Buffer.concat([encodeNpy(ramp2), Buffer.of(0)])),
      /long\.npy: is longer than its/,
    ],
    ['damaged', () => typed('<f4', "'nothing'"), /is a \.npy file with a damaged header \(npy: fortran_order/],
    ['of another kind', () => put('a.csv', Buffer.from('1,2')), /a\.csv: must be a \.npy or \.safetensors file/],
    ['a number', () => put('n.npy', encodeNpy({ shape: [], data: ramp(1) })), /at least one axis, got \(\)/],
    [
      'of no columns',
      () => put('w.npy', encodeNpy({ shape: [2 ** 53 - 1, 0], data: ramp(0) })),
      /at least one column, got \(9007199254740991, 0\)/,
    ],
    [
      'of three axes',
      () => put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) })),
      /shape is \(2, 1, 1\): address one matrix as .*3\.npy\[i\] with i < 2, got 0/,
    ],
    [
      'of four axes',
      async () => `${await put('4.npy', encodeNpy({ shape: [2, 3, 1, 1], data: ramp(6) }))}[1]`,
      /4\.npy\[i,j\] with i < 2, j < 3, got 1/,
    ],
    [
      'of two axes, with an index',
      async () => `${await put('2.npy', encodeNpy(matrix(1, 1)))}[0]`,
      /as .*2\.npy, got 1 indices/,
    ],
    [
      'indexed beyond',
      async () => `${await put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) }))}[2]`,
      /index 0 must be < 2 .*, got 2/,
    ],
    [
      'indexed below',
      async () => `${await put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) }))}[-1]`,
      /whole numbers such as \[0,3\], got \[-1\]/,
    ],
  ])('is refused: %s', async (_, make, message) => {
    await expect(openRows(await make())).rejects.toThrow(message)
  })

  it('is refused: a directory, a FIFO (without waiting), a device', async () => {
    await mkdir(join(folder, 'd.npy_'))
    await expect(openRows(join(folder, 'd.npy_'))).rejects.toThrow(/d\.npy_: must be a regular file, got a directory/)
    if (process.platform === 'win32') return
    execFileSync('mkfifo', [join(folder, 'fifo.npy')])
    await expect(openRows(join(folder, 'fifo.npy'))).rejects.toThrow(/must be a regular file, got a FIFO/)
    await expect(openRows('/dev/zero')).rejects.toThrow(/must be a regular file, got a device/)
  })

  it('is refused by its header before its data is read or held', async () => {
    const path = await put('sparse.npy', encodeNpy({ shape: [2, 1], data: ramp(2) }))
    const bytes = Buffer.from(encodeNpy({ shape: [2, 1], data: ramp(2) }).subarray(0, 128))
    bytes.write('(4611686018427387904, 1), } ', bytes.indexOf('(2, 1)'))
    await writeFile(path, bytes)
    await truncate(path, 2 ** 40) // sparse: a terabyte of holes
    const handle: FileHandle = await open(path)
    const read = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'read')
    await handle.close()
    try {
      await expect(openRows(path)).rejects.toThrow(/whole number up to 2\^53 - 1/)
      bytes.write(`(${2 ** 20}, ${2 ** 18}), }${' '.repeat(20)}`, bytes.indexOf('(4611'))
      await writeFile(path, bytes)
      await truncate(path, 128 + 2 ** 40)
      read.mockClear()
      await using rows = await openRows(path)
      expect((await rows.blocks(1).next()).value!.data.length).toBe(2 ** 18)
      await expect(rows.blocks(2 ** 20).next()).rejects.toThrow(/at most 2\^30 entries, got 1048576 x 262144/)
      const sizes = read.mock.calls.map((call) => (call as unknown as [Uint8Array, number, number])[2])
      expect(sizes.reduce((sum, n) => sum + n, 0)).toBeLessThan(2 ** 21)
    } finally {
      read.mockRestore()
    }
  })

  it('is refused when it shrinks, and when it was closed; a file that grows does not matter', async () => {
    const path = await put('s.npy', encodeNpy(matrix(300_000, 2)))
    const rows = await openRows(path)
    const blocks = rows.blocks(1000)
    await blocks.next()
    await appendFile(path, 'more')
    await blocks.next()
    await truncate(path, 128 + 1_048_576 + 100)
    const rest = async () => {
      for await (const _ of blocks);
    }
    await expect(rest()).rejects.toThrow(
      `openRows: ${path}: data at byte 1048804: expected a file of at least 2097280 bytes, found its end (did it shrink?)`,
    )
    await rows.close()
    await rows.close()
    await expect(rows.blocks(1).next()).rejects.toThrow(`openRows: ${path}: was closed`)
    await expect(rows.blocks(0).next()).rejects.toThrow('openRows: size must be an integer >= 1, got 0')
  })
})

it('the shape of an array and the index of its path, from the header alone', async () => {
  const path = await put('heads.npy', header('(2, 3, 0, 5)'))
  expect(await arrayShape(path)).toEqual({ shape: [2, 3, 0, 5], index: [] })
  expect(await arrayShape(`${path}[1,2]`)).toEqual({ shape: [2, 3, 0, 5], index: [1, 2] })
  const data = { dtype: 'F32' as const, shape: [4, 1, 2], data: new Float32Array(8) }
  const tensors = await put('two.safetensors', encodeTensors({ a: data, b: { ...data, shape: [8] } }))
  expect(await arrayShape(tensors, { tensor: 'a' })).toEqual({ shape: [4, 1, 2], index: [] })
  await expect(arrayShape(tensors)).rejects.toThrow(`arrayShape: ${tensors}: tensor must be given`)
  await expect(arrayShape(join(folder, 'no-such.npy'))).rejects.toThrow('there is no such file')
})
