// Kills: Fortran order read as C (also with equal axes), axes reversed, a byte order ignored or swapped by the wrong width,
// the 2-byte header length of version 1 used for 2 and 3, (5) taken for (5,), an unknown or repeated key let through,
// a header length trusted before it is compared, a product in 32 bits, trailing or missing data let through.
import { fc, test } from '@fast-check/vitest'
import { matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { type ElementData, decodeNpy, encodeNpy } from '../src/index'

/** A file from its header text and data: the layout written out by hand. */
function npy(dict: string, data: Uint8Array | number[] = [], version = 1): Uint8Array {
  const header = Buffer.from(dict, 'latin1')
  const length =
    version === 1
      ? [header.length & 255, header.length >> 8]
      : [...new Uint8Array(Uint32Array.of(header.length).buffer)]
  return Uint8Array.from([0x93, ...Buffer.from('NUMPY'), version, 0, ...length, ...header, ...data])
}
const dict = (descr: string, fortran: string, shape: string) =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`
const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

describe('encodeNpy', () => {
  it('gives the bytes that NumPy writes', () => {
    const bytes = encodeNpy(matrix(1, 2, Float32Array.of(1, -2)))
    const header = `${dict('<f4', 'False', '(1, 2)').padEnd(117)}\n`
    expect(bytes).toEqual(npy(header, [0, 0, 128, 63, 0, 0, 0, 192]))
    expect(bytes.length - 8).toBe(128)
    // A header of two axes has this length whatever they are: writeRows fills it in at the end.
    for (const [rows, cols] of [
      [0, 2 ** 53 - 1],
      [2 ** 53 - 1, 0],
    ] as const) {
      expect(encodeNpy({ shape: [rows, cols], data: new Float64Array(0) }).length).toBe(128)
    }
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'a shape that does not fit',
      () => encodeNpy({ shape: [2, 2], data: new Float32Array(3) }),
      /shape \[2, 2\] must have the 3 entries/,
    ],
    ['a negative axis', () => encodeNpy({ shape: [-1, -1], data: new Float32Array(1) }), /shape/],
    [
      'other data',
      () => encodeNpy({ shape: [1], data: [1] as unknown as Float32Array }),
      /Float32Array or a Float64Array/,
    ],
    ['another dtype', () => encodeNpy(matrix(1, 1), { dtype: 'i4' as 'f4' }), /'f2', 'f4' or 'f8', got "i4"/],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message))
})

describe('decodeNpy', () => {
  const arrays = {
    f4: Float32Array.of(1.5, -2, 3, 4, 5, 1e-40),
    f8: Float64Array.of(1, 2, 3, Math.PI, -0, 6),
    i4: Int32Array.of(1, -2, 3, 4, 5, 2 ** 31 - 1),
  }

  it.each(['f4', 'f8', 'i4'] as const)(
    'reads %s of both byte orders, C and Fortran order, versions 1 to 3',
    (dtype) => {
      const data = arrays[dtype]
      const width = data.BYTES_PER_ELEMENT
      const swapped = bytesOf(data).map((_, i, all) => all[i - (i % width) + width - 1 - (i % width)])
      const columns = data.map((_, i) => data[(i % 3) * 2 + Math.floor(i / 3)]) // row-major (2, 3) of column-major data
      for (const version of [1, 2, 3]) {
        for (const [order, bytes] of [
          ['<', bytesOf(data)],
          ['>', swapped],
        ] as const) {
          expect(decodeNpy(npy(dict(order + dtype, 'False', '(2, 3)'), bytes, version))).toEqual({
            dtype,
            shape: [2, 3],
            data,
          })
          expect(decodeNpy(npy(dict(order + dtype, 'True', '(2, 3)'), bytes, version)).data).toEqual(columns)
        }
      }
    },
  )

  it('reads float16 of both byte orders, widened', () => {
    expect(decodeNpy(npy(dict('<f2', 'False', '(3,)'), [0, 60, 1, 0, 255, 251])).data).toEqual(
      Float32Array.of(1, 2 ** -24, -65504),
    )
    expect(decodeNpy(npy(dict('>f2', 'False', '(3,)'), [60, 0, 0, 1, 251, 255])).data).toEqual(
      Float32Array.of(1, 2 ** -24, -65504),
    )
  })

  test.prop([fc.array(fc.nat(4), { maxLength: 5 })], { seed: 3, numRuns: 200 })(
    'turns Fortran order of any shape around',
    (shape) => {
      const size = shape.reduce((product, n) => product * n, 1)
      const data = Float32Array.from({ length: size }, (_, i) => i)
      const text = `(${shape.map((n) => `${n},`).join('')})`
      const read = decodeNpy(npy(dict('<f4', 'True', text), bytesOf(data)))
      expect(read.shape).toEqual(shape)
      for (let i = 0; i < size; i++) {
        let rest = i
        let at = 0
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          at += (rest % shape[axis]) * shape.slice(0, axis).reduce((product, n) => product * n, 1)
          rest = Math.floor(rest / shape[axis])
        }
        expect(read.data[i]).toBe(at)
      }
    },
  )

  it('reads any member order, quotes, spaces and a last comma or none, and copies', () => {
    const text = `{ "shape" :( 2 , ) , 'fortran_order':False,\t"descr": '<f4'}  \n`
    const bytes = Buffer.from(npy(text, bytesOf(Float32Array.of(7, 8))))
    const { data } = decodeNpy(bytes)
    bytes.fill(0)
    expect(data).toEqual(Float32Array.of(7, 8))
    expect(decodeNpy(npy(dict('<f4', 'True', '()'), [0, 0, 128, 63]))).toEqual({
      dtype: 'f4',
      shape: [],
      data: Float32Array.of(1),
    })
    expect(decodeNpy(npy(dict('<f4', 'True', '(0, 9007199254740991)'))).data.length).toBe(0)
  })

  it.each<[string, ElementData]>([
    ['<i8', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n, 2n ** 53n + 1n, 0n, 5n)],
    ['<u8', BigUint64Array.of(2n ** 64n - 1n, 0n, 1n, 2n, 3n, 4n)],
    ['<i2', Int16Array.of(-32768, 32767, -1, 0, 1, 2)],
    ['<u2', Uint16Array.of(65535, 0, 1, 2, 3, 4)],
    ['<u4', Uint32Array.of(2 ** 32 - 1, 0, 1, 2, 3, 4)],
    ['|i1', Int8Array.of(-128, 127, -1, 0, 1, 2)],
    ['|u1', Uint8Array.of(255, 0, 1, 2, 3, 4)],
    ['|b1', Uint8Array.of(1, 0, 1, 1, 0, 0)],
    ['<b1', Uint8Array.of(1, 0, 1, 1, 0, 0)],
  ])('reads %s of both byte orders, and headers of Python 2', (descr, data) => {
    const width = data.BYTES_PER_ELEMENT
    const swapped = bytesOf(data).map((_, i, all) => all[i - (i % width) + width - 1 - (i % width)])
    const dtype = descr.slice(1)
    for (const version of [1, 2]) {
      const shape = version === 1 ? '(2L, 3L)' : '(2L, 3L,)'
      expect(decodeNpy(npy(dict(descr, 'False', shape), bytesOf(data), version))).toEqual({
        dtype,
        shape: [2, 3],
        data,
      })
    }
    expect(decodeNpy(npy(dict(`>${dtype}`, 'False', '(6,)'), swapped)).data).toEqual(data)
  })

  it('keeps the payload of NaN in Fortran order', () => {
    const bits = Uint32Array.of(0x7f800001, 0xffffff93, 0x7fc00001, 0xff812345)
    const { data } = decodeNpy(npy(dict('<f4', 'True', '(2, 2)'), bytesOf(bits)))
    expect([...new Uint32Array(data.buffer)]).toEqual([bits[0], bits[2], bits[1], bits[3]])
  })

  it('reads two bytes of no type as bfloat16 where that is said', () => {
    const bits = [128, 63, 1, 128, 127, 255] // 1, the smallest below zero, the largest below zero
    for (const descr of ['<V2', '|V2']) {
      const read = decodeNpy(npy(dict(descr, 'True', '(3, 1)'), bits), { bfloat16: true })
      expect(read).toEqual({
        dtype: 'bf2',
        shape: [3, 1],
        data: Float32Array.of(1, -(2 ** -133), -(2 - 2 ** -7) * 2 ** 127),
      })
    }
    expect(() => decodeNpy(npy(dict('>V2', 'True', '(3, 1)'), bits), { bfloat16: true })).toThrow(/found ">V2"/)
  })

  const four = [0, 0, 0, 0]
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /npy: magic at byte 0: expected byte 147, found the end/],
    ['text', Uint8Array.from(Buffer.from('1,2,3\n4,5,6')), /magic at byte 0: expected byte 147, found "1"/],
    ['version 4', npy(dict('<f4', 'False', '(1,)'), four, 4), /version at byte 6: expected 1, 2 or 3/],
    [
      'a long header',
      npy(dict('<f4', 'False', '(1,)').padEnd(10_001), four, 2),
      /header length at byte 8: expected at most 10000, found 10001/,
    ],
    [
      'a string for a bool',
      npy(`{'descr': '<f4', 'fortran_order': 'False', 'shape': (1,)}`, four),
      /expected True or False, found "'"/,
    ],
    ['a number for a tuple', npy(dict('<f4', 'False', '(1)'), four), /a tuple of one number ends in a comma/],
    ['a list for a tuple', npy(dict('<f4', 'False', '[1]'), four), /shape at byte \d+: expected \(, found "\["/],
    ['a negative axis', npy(dict('<f4', 'False', '(-1,)'), four), /whole number, found "-"/],
    ['a leading zero', npy(dict('<f4', 'False', '(01,)'), four), /found 01/],
    ['a long integer of Python 2 in version 3', npy(dict('<f4', 'False', '(1L,)'), four, 3), /found "L"/],
    [
      'a last line of blanks in version 3',
      npy(`${dict('<f4', 'False', '(1,)')} \n \n  `, four, 3),
      /header at byte \d+: expected no blank behind the last line, found byte 32/,
    ],
    ['two Ls', npy(dict('<f4', 'False', '(1LL,)'), four), /found "L"/],
    ['a small l', npy(dict('<f4', 'False', '(1l,)'), four), /found "l"/],
    ['a boolean of 2', npy(dict('|b1', 'False', '(4,)'), [0, 1, 2, 1]), /expected booleans of 0 and 1, found 2/],
    ['two bytes of no type', npy(dict('<V2', 'False', '(2,)'), four), /found "<V2"/],
    ['three bytes of no type', npy(dict('<V3', 'False', '(1,)'), four), /found "<V3"/],
    ['integers of 3 bytes', npy(dict('<i3', 'False', '(1,)'), four), /found "<i3"/],
    ['2**62', npy(dict('<f4', 'False', '(4611686018427387904,)'), four), /up to 2\^53 - 1/],
    [
      'a product that wraps',
      npy(dict('<f4', 'False', '(4294967296, 4294967296)')),
      /expected axes below 2\^63 bytes, zeros aside/,
    ],
    ['too many axes', npy(dict('<f4', 'False', `(${'1,'.repeat(33)})`), four), /at most 32 axes/],
    ['deep brackets', npy(dict('<f4', 'False', '('.repeat(9_000)), four), /whole number, found "\("/],
    ['an expression', npy(dict('<f4', 'False', '(1+0,)'), four), /found "\+"/],
    [
      'a code object',
      npy(`{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}`, four),
      /descr at byte \d+: expected a string/,
    ],
    [
      'a structured type',
      npy(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}`, four),
      /expected a string, found "\["/,
    ],
    [
      'no byte order',
      npy(dict('|f4', 'False', '(1,)'), four),
      /descr at byte 20: expected f2 … f8, i2 … i8 or u2 … u8 after < or >, i1, u1 or b1, found "\|f4"/,
    ],
    ['strings', npy(dict('<U4', 'False', '(1,)'), four), /found "<U4"/],
    ['an escape', npy(dict('<f\\x34', 'False', '(1,)'), four), /plain ASCII/],
    [
      'a repeated key',
      npy(`{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}`, four),
      /each once, found "descr"/,
    ],
    [
      'another key',
      npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}`, four),
      /each once, found "x"/,
    ],
    ['a missing key', npy(`{'descr': '<f4', 'fortran_order': False}`, four), /without all of them/],
    [
      'an open dict',
      npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (1,)`, four),
      /header at byte \d+: expected }, found the end/,
    ],
    ['an open string', npy(`{'descr`, four), /plain ASCII string, found the end/],
    ['text after the dict', npy(`${dict('<f4', 'False', '(1,)')};`, four), /only white space after it, found ";"/],
    [
      'data missing',
      npy(dict('<f4', 'False', '(2,)'), four),
      /data at byte \d+: expected 8 bytes for shape \(2,\), found 4/,
    ],
    ['data left over', npy(dict('<f4', 'False', '(1,)'), [...four, 0]), /expected 4 bytes for shape \(1,\), found 5/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(RangeError)
    expect(() => decodeNpy(bytes)).toThrow(message)
  })

  it('refuses a file cut anywhere, and after any change of one header byte reads only what the header then says', () => {
    const bytes = encodeNpy(matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6)))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeNpy(bytes.subarray(0, length))).toThrow(/^npy: .* at byte \d+: expected .*, found /)
    }
    expect(() => decodeNpy(bytes.subarray(0, 100))).toThrow('header length at byte 8: expected at most 90, found 118')
    let read = 0
    for (let at = 0; at < 128; at++) {
      for (let change = 1; change < 256; change++) {
        const changed = bytes.slice()
        changed[at] ^= change
        let decoded: ReturnType<typeof decodeNpy>
        try {
          decoded = decodeNpy(changed)
        } catch (error) {
          const { message } = error as Error
          if (!/^npy: .* at byte \d+: expected .*, found /.test(message)) throw error
          continue
        }
        read++
        const { shape, data, dtype } = decoded
        const header = Buffer.from(changed.subarray(0, 128)).toString('latin1')
        expect(header).toContain(dtype)
        expect(header.replaceAll(/\s/g, '')).toContain(`(${shape.join(',')})`)
        expect(shape.reduce((product, n) => product * n, 1)).toBe(data.length)
        expect(data.length * Number(dtype.slice(1))).toBe(24)
      }
    }
    // '<' to '>', 'f' to 'i' or 'u', the last comma to a blank, the blank behind the comma of the shape to L or it and others to one of the three other
    // blanks: nothing else reads.
    const blanks = [...bytes.subarray(10, 128)].filter((c) => c === 0x20 || c === 0x0a).length
    expect(read).toBe(1 + 2 + 4 + 3 * blanks)
  })
})
