// Kills: a BOM eaten by the text decoder; offsets compared with <= for <; product in 32 bits; a missing hole, overlap, duplicate or trailing-byte check; narrow
// tensors written first (misaligned); Buffer.slice for a copy.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type Tensor, decodeTensors, encodeTensors, headerLength, parseHeader } from '../src'

const text = (s: string) => new TextEncoder().encode(s)

/** A file from its header text and data: the layout written out by hand. */
function file(header: string | Uint8Array, data: Uint8Array | number[] = []): Uint8Array {
  const json = typeof header === 'string' ? text(header) : header
  return Uint8Array.from([
    ...[0, 8, 16, 24, 32, 40, 48, 56].map((s) => Math.floor(json.length / 2 ** s) % 256),
    ...json,
    ...data,
  ])
}

/** A member of the header. */
const entry = (shape: string, offsets: string, dtype = '"F32"') =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`

/** The length bytes. */
const prefix = (low: number, high = 0) => new Uint8Array(Uint32Array.of(low, high).buffer)

describe('safetensors bytes', () => {
  it('are the ones that the format prescribes', () => {
    const bytes = encodeTensors(
      {
        a: { dtype: 'U8', shape: [2], data: Uint8Array.of(7, 8) },
        b: { dtype: 'F32', shape: [1, 2], data: Float32Array.of(1, -2) },
      },
      { by: 'é"' },
    )
    const json =
      '{"__metadata__":{"by":"é\\""},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
      '"a":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}}'
    const header = text(json.padEnd(Math.ceil(text(json).length / 8) * 8 - 1)) // é is two bytes
    expect(header.length % 8).toBe(0)
    expect([...bytes]).toEqual([...file(header, [0, 0, 128, 63, 0, 0, 0, 192, 7, 8])])
  })

  it('are read from a file written by hand, in any member order, whatever the names', () => {
    const header =
      ' {"z" : {"data_offsets":[2,\t10],"shape":[2],"dtype":"F32"},\n"":{"dtype":"F16","shape":[],"data_offsets":[0,2]},' +
      '"__proto__":{"dtype":"U8","shape":[3,0],"data_offsets":[10,10]}, "\ufeff\\u0041":{"dtype":"BF16","shape":[1],"data_offsets":[10,12]}}  '
    const bytes = Buffer.concat([
      Buffer.alloc(3),
      file(header.trimStart(), [0, 60, 0, 0, 128, 63, 0, 0, 192, 127, 128, 191]),
    ])
    const { tensors, metadata } = decodeTensors(bytes.subarray(3))
    bytes.fill(0) // what came out is a copy
    expect(Object.keys(metadata)).toEqual([])
    expect([...tensors.keys()]).toEqual(['z', '', '__proto__', '\ufeffA'])
    expect(tensors.get('z')).toEqual({ dtype: 'F32', shape: [2], data: Float32Array.of(1, NaN) })
    expect(tensors.get('')).toEqual({ dtype: 'F16', shape: [], data: Float32Array.of(1) })
    expect(tensors.get('__proto__')).toEqual({ dtype: 'U8', shape: [3, 0], data: new Uint8Array(0) })
    expect(tensors.get('\ufeffA')).toEqual({ dtype: 'BF16', shape: [1], data: Float32Array.of(-1) })
  })

  it.each([
    ['C64', 64],
    ['F8_E4M3', 8],
    ['F8_E4M3FNUZ', 8],
    ['F8_E5M2', 8],
    ['F8_E5M2FNUZ', 8],
    ['F8_E8M0', 8],
    ['F6_E2M3', 6],
    ['F6_E3M2', 6],
    ['F4', 4],
  ] as const)('are read beside a tensor of %s, which is passed over', (dtype, size) => {
    const shape = [2, 4]
    const header = `{"o":${entry('[2,4]', `[0,${size}]`, `"${dtype}"`)},"b":${entry('[3]', `[${size},${size + 3}]`, '"BOOL"')}}`
    const bytes = file(header, [...Array.from({ length: size }, () => 255), 1, 0, 1])
    const { tensors, skipped } = decodeTensors(bytes)
    expect([...tensors]).toEqual([['b', { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) }]])
    const begin = bytes.length - 3 - size
    expect([...skipped]).toEqual([['o', { dtype, shape, begin, end: begin + size }]])
    expect(() => decodeTensors(bytes.subarray(0, -1))).toThrow(RangeError)
  })

  it('do not depend on the order of the members, and keep every dtype aligned', () => {
    const tensors: Record<string, Tensor> = {
      u8: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      bool: { dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
      i8: { dtype: 'I8', shape: [1], data: Int8Array.of(-1) },
      u16: { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
      i16: { dtype: 'I16', shape: [1], data: Int16Array.of(-2) },
      bf16: { dtype: 'BF16', shape: [2], data: Float32Array.of(1, -Infinity) },
      f16: { dtype: 'F16', shape: [2], data: Float32Array.of(65504, -0) },
      i32: { dtype: 'I32', shape: [1], data: Int32Array.of(-(2 ** 31)) },
      u32: { dtype: 'U32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
      f32: { dtype: 'F32', shape: [0], data: new Float32Array(0) },
      i64: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
      u64: { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      f64: { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) },
    }
    const bytes = encodeTensors(tensors)
    const backwards = Object.keys(tensors).map((_, i, names) => names.at(-1 - i)!)
    expect(encodeTensors(Object.fromEntries(backwards.map((name) => [name, tensors[name]])))).toEqual(bytes)
    expect(Object.fromEntries(decodeTensors(bytes).tensors)).toEqual(tensors)
    const length = headerLength(bytes, bytes.length)
    for (const { begin, dtype } of parseHeader(bytes.subarray(8, 8 + length), bytes.length).entries.values()) {
      if (dtype !== 'BOOL') expect(begin % (Number(dtype.replace(/\D+/, '')) / 8)).toBe(0)
    }
  })

  const words = fc.uint8Array({ maxLength: 40 })
  const made = { F32: Float32Array, F64: Float64Array, U32: Uint32Array, I32: Int32Array, U8: Uint8Array }
  const name = fc.string({ unit: 'binary' }).filter((s) => s !== '__metadata__')
  const tensors = fc.dictionary(name, fc.tuple(fc.constantFrom('F32', 'F64', 'U32', 'I32', 'U8'), words))
  test.prop([tensors, fc.dictionary(name, fc.string({ unit: 'binary' }))], { seed: 1, numRuns: 500 })(
    'round trip bit for bit, NaN payloads too',
    (raw, metadata) => {
      const input: Record<string, Tensor> = Object.create(null)
      for (const [key, [dtype, bytes]] of Object.entries(raw)) {
        const whole = bytes.slice(0, bytes.length - (bytes.length % 8))
        const data = new made[dtype](whole.buffer)
        input[key] = { dtype, shape: [1, data.length], data }
      }
      const back = decodeTensors(encodeTensors(input, metadata))
      expect(new Set(back.tensors.keys())).toEqual(new Set(Object.keys(input)))
      for (const [key, { dtype, shape, data }] of back.tensors) {
        expect({ dtype, shape }).toEqual({ dtype: input[key].dtype, shape: input[key].shape })
        expect(new Uint8Array(data.buffer)).toEqual(new Uint8Array(input[key].data.buffer))
      }
      expect(new Map(Object.entries(back.metadata))).toEqual(new Map(Object.entries(metadata)))
    },
  )

  it.each<[string, () => unknown, RegExp]>([
    [
      'another array',
      () => encodeTensors({ a: { dtype: 'F32', shape: [1], data: Float64Array.of(1) } }),
      /a must be a Float32Array/,
    ],
    [
      'another size',
      () => encodeTensors({ a: { dtype: 'F32', shape: [2], data: Float32Array.of(1) } }),
      /1 entries.*\[2\]/,
    ],
    [
      'a negative axis',
      () => encodeTensors({ a: { dtype: 'U8', shape: [-1, -1], data: Uint8Array.of(1) } }),
      /\[-1, -1\]/,
    ],
    [
      'an unknown dtype',
      () => encodeTensors({ a: { dtype: 'toString' as 'U8', shape: [], data: Uint8Array.of(1) } }),
      /toString/,
    ],
    [
      'a lone surrogate',
      () => encodeTensors({ '\ud800': { dtype: 'U8', shape: [0], data: new Uint8Array(0) } }),
      /well-formed/,
    ],
    [
      'a reserved name',
      () => encodeTensors({ __metadata__: { dtype: 'U8', shape: [0], data: new Uint8Array(0) } }),
      /__metadata__/,
    ],
    ['metadata that is no text', () => encodeTensors({}, { a: 1 as unknown as string }), /metadata a must be a string/],
    ['no bytes', () => decodeTensors('x' as unknown as Uint8Array), /Uint8Array/],
  ])('are not made from %s', (_, run, message) => expect(run).toThrow(message))
})

describe('hostile headers', () => {
  const four = [0, 0, 0, 0]
  const one = entry('[1]', '[0,4]')
  it.each<[string, string, number[], RegExp]>([
    [
      'a duplicate name',
      `{"a":${one},"a":${one}}`,
      four,
      /header name at byte 62: expected each name once, found "a" again/,
    ],
    ['a duplicate in escapes', `{"a":${one},"\\u0061":${one}}`, four, /each name once/],
    ['duplicate metadata', '{"__metadata__":{},"__metadata__":{}}', [], /each name once/],
    ['a duplicate metadata key', '{"__metadata__":{"a":"","a":""}}', [], /each name once/],
    [
      'a duplicate member',
      '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      four,
      /each name once/,
    ],
    [
      'an unknown dtype',
      `{"a":${entry('[1]', '[0,4]', '"F31"')}}`,
      four,
      /dtype at byte 9: expected F64, .*, found "F31"/,
    ],
    ['a dtype off the prototype', `{"a":${entry('[1]', '[0,4]', '"valueOf"')}}`, four, /found "valueOf"/],
    ['an extra member', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', four, /only dtype.*found "x"/],
    ['a missing member', '{"a":{"dtype":"F32","shape":[1]}}', four, /two data_offsets, found less/],
    ['one offset', `{"a":${entry('[1]', '[4]')}}`, four, /two data_offsets/],
    ['three offsets', `{"a":${entry('[1]', '[0,4,4]')}}`, four, /at most 2 numbers/],
    [
      'a negative axis',
      `{"a":${entry('[-1]', '[0,4]')}}`,
      four,
      /shape at byte 37: expected a whole number, found "-"/,
    ],
    ['a fractional axis', `{"a":${entry('[1.0]', '[0,4]')}}`, four, /expected , or \]/],
    ['an exponent', `{"a":${entry('[1e0]', '[0,4]')}}`, four, /expected , or \]/],
    ['a leading zero', `{"a":${entry('[01]', '[0,4]')}}`, four, /whole number up to 2\^53 - 1, found 01/],
    ['a huge axis', `{"a":${entry('[9007199254740992]', '[0,4]')}}`, four, /2\^53 - 1/],
    ['endless digits', `{"a":${entry(`[${'9'.repeat(1000)}]`, '[0,4]')}}`, four, /2\^53 - 1/],
    ['a product that wraps at 2^32', `{"a":${entry('[65536,65536]', '[0,0]')}}`, [], /expected 17179869184 bytes/],
    [
      'a product that wraps at 2^64',
      `{"a":${entry('[4294967296,4294967296]', '[0,0]')}}`,
      [],
      /shape at byte 9: expected axes with a product below 2\^53, found \[4294967296, 4294967296\]/,
    ],
    ['a product that wraps before a zero', `{"a":${entry('[4294967296,4294967296,0]', '[0,0]')}}`, [], /below 2\^53/],
    ['half a byte', `{"a":${entry('[3]', '[0,2]', '"F4"')}}`, [0, 0], /expected 1.5 bytes for F4 \[3\], found 2/],
    [
      'a boolean of 2',
      `{"a":${entry('[4]', '[0,4]', '"BOOL"')}}`,
      [0, 1, 2, 1],
      /BOOL at byte \d+: expected 0 or 1, found 2/,
    ],
    ['many axes', `{"a":${entry(`[${'1,'.repeat(64)}1]`, '[0,4]')}}`, four, /at most 64 numbers/],
    [
      'offsets beyond the data',
      `{"a":${entry('[2]', '[0,8]')}}`,
      four,
      /data at byte \d+: expected the end of the file/,
    ],
    ['offsets backwards', `{"a":${entry('[1]', '[4,0]')}}`, four, /expected 4 bytes for F32 \[1\], found -4/],
    ['a size that differs', `{"a":${entry('[2]', '[0,4]')}}`, four, /expected 8 bytes/],
    [
      'an overlap',
      `{"a":${one},"b":${one}}`,
      four,
      /data_offsets at byte 62: expected begin 4 \(no hole, no overlap\), found 0/,
    ],
    [
      'a partial overlap',
      `{"a":${entry('[2]', '[0,8]')},"b":${entry('[2]', '[4,12]')}}`,
      [...four, ...four, ...four],
      /found 4/,
    ],
    ['a hole', `{"a":${one},"b":${entry('[1]', '[8,12]')}}`, [...four, ...four, ...four], /expected begin 4.*found 8/],
    ['a hole at the start', `{"a":${entry('[1]', '[4,8]')}}`, [...four, ...four], /expected begin 0/],
    ['an empty tensor inside another', `{"a":${one},"b":${entry('[0]', '[2,2]')}}`, four, /expected begin 4/],
    ['trailing bytes', `{"a":${one}}`, [...four, 0], /found a file of \d+ bytes/],
    ['text after the header', `{"a":${one}} x`, four, /nothing but spaces/],
    ['a zero after the header', `{"a":${one}}\0`, four, /nothing but spaces/],
    ['an array', '[]', [], /header at byte 8: expected \{, found "\["/],
    ['a space first', ' {}', [], /expected \{/],
    ['a number for a name', '{1:2}', [], /header name at byte 9: expected a string/],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', [], /metadata value at byte 29: expected a string/],
    ['a dangling comma', `{"a":${one},}`, four, /expected a string/],
    ['an open string', '{"a', [], /expected the rest of a string, found the end/],
    ['an open escape', '{"a\\', [], /expected the rest of a string/],
    ['a control character', '{"a\n":1}', [], /expected the rest of a string/],
    ['a bad escape', '{"\\x":1}', [], /a JSON string/],
    ['a lone surrogate', `{"\\ud800":${one}}`, four, /a JSON string in well-formed UTF-8/],
    ['deep lists', `{"a":${'['.repeat(100_000)}`, [], /tensor at byte 13: expected \{/],
    ['deep objects', '{"a":'.repeat(100_000), [], /only dtype/],
    ['deep metadata', `{"__metadata__":{"a":${'{"a":'.repeat(100_000)}`, [], /metadata value/],
  ])('with %s are refused', (_, header, data, message) => {
    expect(() => decodeTensors(file(header, data))).toThrow(RangeError)
    expect(() => decodeTensors(file(header, data))).toThrow(message)
  })

  it('are refused when their text is no UTF-8', () => {
    expect(() => decodeTensors(file(Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d)))).toThrow(/UTF-8/)
  })

  it('are refused by their length alone', () => {
    expect(() => headerLength(prefix(11), 18)).toThrow('header length at byte 0: expected 2 to 10, found 11')
    expect(headerLength(prefix(10), 18)).toBe(10)
    expect(() => headerLength(prefix(2, 1), 18)).toThrow(/found 4294967298/)
    expect(() => headerLength(prefix(100_000_001), 2e8)).toThrow(/expected 2 to 100000000/)
    expect(() => headerLength(prefix(1), 18)).toThrow(/found 1/)
    expect(() => headerLength(new Uint8Array(0), 0)).toThrow(
      'safetensors: file at byte 0: expected at least 10 bytes, found 0',
    )
  })
})
