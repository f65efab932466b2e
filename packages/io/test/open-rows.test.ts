// Kills: a panel boundary that drops or repeats a row, blocks that share memory, a second blocks() that goes on instead of
// starting again, two iterations that share a buffer, Fortran strides swapped, the index of a matrix ignored or its axes swapped,
// a tensor's offset taken from the data instead of the file, rows counted in a block instead of the file, the whole file read.
import { join } from 'node:path'
import { type Matrix, encodeTensors, matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { encodeNpy } from '../src/index'
import { type OpenRowsOptions, arrayShape, openRows } from '../src/node'
import { scratchFolder, written } from './scratch-folder'

const folder = scratchFolder()
const put = (name: string, bytes: Uint8Array) => written(folder(), name, bytes)

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

/** A 2 × 2 array of that type. */
function raw(descr: string, data: ArrayBufferView): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (2, 2), }`.padEnd(117) + '\n'
  const head = Buffer.from(`\x93NUMPY\x01\0v\0${dict}`, 'latin1')
  return Buffer.concat([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
}

it('reads integers, booleans and bfloat16 of .npy as rows', async () => {
  for (const [descr, data, dtype, wanted] of [
    ['<i8', BigInt64Array.of(-1n, 2n ** 62n, 0n, -(2n ** 63n)), 'i8', [-1, 2 ** 62, 0, -(2 ** 63)]],
    ['<u8', BigUint64Array.of(1n, 2n ** 64n - 1n, 0n, 7n), 'u8', [1, 2 ** 64, 0, 7]],
    ['<u4', Uint32Array.of(2 ** 32 - 1, 1, 2, 3), 'u4', [2 ** 32, 1, 2, 3]],
    ['|i1', Int8Array.of(-128, 1, 2, 3), 'i1', [-128, 1, 2, 3]],
    ['|b1', Uint8Array.of(1, 0, 0, 1), 'b1', [1, 0, 0, 1]],
    ['<V2', Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0), 'bf2', [1, -2, 0.5, 0]],
  ] as const) {
    const path = await put('typed.npy', raw(descr, data))
    await using rows = await openRows(path, { bfloat16: true })
    expect(rows.dtype).toBe(dtype)
    expect([...(await rows.blocks(2).next()).value!.data]).toEqual(wanted)
  }
  const path = await put('odd.npy', raw('|b1', Uint8Array.of(1, 0, 0, 3)))
  await expect(all(path, 1)).rejects.toThrow(`openRows: ${path}: data: expected booleans of 0 and 1, found 3`)
})

it('reads tensors of integers and booleans as rows, beside others that it cannot read', async () => {
  const bytes = encodeTensors({
    i64: { dtype: 'I64', shape: [2, 1], data: BigInt64Array.of(-3n, 2n ** 40n) },
    u64: { dtype: 'U64', shape: [2], data: BigUint64Array.of(2n ** 64n - 1n, 1n) },
    u32: { dtype: 'U32', shape: [1, 1], data: Uint32Array.of(2 ** 32 - 1) },
    i16: { dtype: 'I16', shape: [1, 2], data: Int16Array.of(-2, 3) },
    u16: { dtype: 'U16', shape: [1, 1], data: Uint16Array.of(65535) },
    i8: { dtype: 'I8', shape: [1, 1], data: Int8Array.of(-128) },
    bool: { dtype: 'BOOL', shape: [2, 2], data: Uint8Array.of(1, 0, 0, 1) },
    zz: { dtype: 'U8', shape: [2, 2], data: Uint8Array.of(1, 2, 255, 4) },
    // of this name and type are changed in place
    zzzzzzzz: { dtype: 'U8', shape: [0, 2], data: new Uint8Array(0) },
  })
  const text = Buffer.from(bytes).toString('latin1')
  const mixed = text.replace('"zzzzzzzz":{"dtype":"U8"', '"f":{"dtype":"F8_E4M3"  ')
  const path = await put('mixed.safetensors', Buffer.from(mixed, 'latin1'))
  const read = async (tensor: string) => [...joined(await all(path, 1, { tensor }))]
  expect(await read('i64')).toEqual([-3, 2 ** 40])
  expect(await read('u64')).toEqual([2 ** 64, 1])
  expect(await read('u32')).toEqual([2 ** 32])
  expect(await read('i16')).toEqual([-2, 3])
  expect(await read('u16')).toEqual([65535])
  expect(await read('i8')).toEqual([-128])
  expect(await read('bool')).toEqual([1, 0, 0, 1])
  expect(await read('zz')).toEqual([1, 2, 255, 4])
  await expect(read('f')).rejects.toThrow(
    /tensor f must be F16, .*BOOL to be read as rows, got F8_E4M3: save it as x\.float\(\)/,
  )
})

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
    const literal = join(folder(), 'k.npy[1]')
    expect(joined(await all(literal, 1))).toEqual(Float32Array.of(1))
    await put('k.npy[1]', encodeNpy(matrix(1, 1, Float32Array.of(9))))
    expect(joined(await all(literal, 1))).toEqual(Float32Array.of(9))
    await put('k.npy[0]', encodeTensors({ a: { dtype: 'F32', shape: [1], data: Float32Array.of(8) } }))
    expect(joined(await all(join(folder(), 'k.npy[0]'), 1))).toEqual(Float32Array.of(8))
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

it('the shape of an array and the index of its path, from the header alone', async () => {
  const path = await put('heads.npy', header('(2, 3, 0, 5)'))
  expect(await arrayShape(path)).toEqual({ shape: [2, 3, 0, 5], index: [] })
  expect(await arrayShape(`${path}[1,2]`)).toEqual({ shape: [2, 3, 0, 5], index: [1, 2] })
  const data = { dtype: 'F32' as const, shape: [4, 1, 2], data: new Float32Array(8) }
  const tensors = await put('two.safetensors', encodeTensors({ a: data, b: { ...data, shape: [8] } }))
  expect(await arrayShape(tensors, { tensor: 'a' })).toEqual({ shape: [4, 1, 2], index: [] })
  await expect(arrayShape(tensors)).rejects.toThrow(`arrayShape: ${tensors}: tensor must be given`)
  await expect(arrayShape(join(folder(), 'no-such.npy'))).rejects.toThrow('there is no such file')
})
