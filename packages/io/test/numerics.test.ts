// Kills: a subnormal taken as a normal (or flushed to 0), the exponent bias off by one, rounding half away from zero or half up,
// a tie broken after a first rounding to float32, 65519 → Infinity or 65520 → 65504, a sign lost on −0 and on NaN,
// a bfloat16 cut off instead of rounded, a NaN that rounds to Infinity, an int64 that is rounded twice, its sign lost above 2^63.
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from '@sublinear/core'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { decodeNpy, decodeTensors, encodeNpy, encodeTensors } from '../src/index'
import { toFloat32 } from '../src/elements'

const all = Uint16Array.from({ length: 65536 }, (_, i) => i)

/** IEEE 754: (−1)^s · 2^(e − bias) · 1.f, or 2^(1 − bias) · 0.f, from the bits alone. */
function value(bits: number, fractionBits: number): number {
  const exponentBits = 15 - fractionBits
  const bias = 2 ** (exponentBits - 1) - 1
  const sign = bits >= 32768 ? -1 : 1
  const exponent = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? 2 ** (1 - bias) * fraction : 2 ** (exponent - bias) * (1 + fraction))
}

const isNaN = (bits: number, fractionBits: number) => Number.isNaN(value(bits, fractionBits))

describe('float16', () => {
  it('widens all 65536 patterns to the value of the formula', () => {
    const wide = fromHalf(all)
    expect(all.filter((bits) => !Object.is(wide[bits], value(bits, 10)))).toEqual(new Uint16Array(0))
    const words = new Uint32Array(wide.buffer)
    for (const bits of all) if (isNaN(bits, 10)) expect((words[bits] >>> 13) & 0x3ff).toBe(bits & 0x3ff)
  })

  it('comes back from float32 unchanged, NaN as a quiet NaN of its sign', () => {
    const back = toHalf(fromHalf(all))
    expect(back).toEqual(all.map((bits) => (isNaN(bits, 10) ? (bits & 0x8000) | 0x7e00 : bits)))
  })

  it('rounds to the nearest, ties to even, around every value, midpoint and from float64 at once', () => {
    const inputs: number[] = []
    const wanted: number[] = []
    for (let bits = 0; bits < 0x7c00; bits++) {
      const low = value(bits, 10)
      const high = bits === 0x7bff ? 65536 : value(bits + 1, 10) // the next one, were the range larger
      const middle = (low + high) / 2
      const gap = (high - low) * 2 ** -36 // far below float32's spacing
      inputs.push(low, low + gap, middle - gap, middle, middle + gap, high - gap)
      wanted.push(bits, bits, bits, bits % 2 === 0 ? bits : bits + 1, bits + 1, bits + 1)
    }
    expect(toHalf(Float64Array.from(inputs))).toEqual(Uint16Array.from(wanted))
    expect(toHalf(Float64Array.from(inputs, (x) => -x))).toEqual(Uint16Array.from(wanted, (bits) => bits | 0x8000))
    expect([...toHalf(Float64Array.of(1e300, -Infinity, NaN, 5e-324, -0, 65520, 65519.999, 1e5))]).toEqual([
      0x7c00, 0xfc00, 0x7e00, 0, 0x8000, 0x7c00, 0x7bff, 0x7c00,
    ])
  })
})

describe('bfloat16', () => {
  it('widens all 65536 patterns to the value of the formula', () => {
    const wide = fromBfloat16(all)
    expect(all.filter((bits) => !Object.is(wide[bits], value(bits, 7)))).toEqual(new Uint16Array(0))
  })

  it('is the nearest to every value, midpoint and neighbour of a midpoint, ties to even', () => {
    const words: number[] = []
    const wanted: number[] = []
    for (const bits of all) {
      if (isNaN(bits, 7) || bits % 0x8000 === 0x7f80) continue
      // Float32 patterns are evenly spaced from one bfloat16 to the next: the midpoint is pattern 0x8000 further.
      for (const add of [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]) {
        words.push(bits * 65536 + add)
        wanted.push(add < 0x8000 || (add === 0x8000 && bits % 2 === 0) ? bits : bits + 1)
      }
    }
    expect(toBfloat16(new Float32Array(Uint32Array.from(words).buffer))).toEqual(Uint16Array.from(wanted))
    const nans = new Float32Array(Uint32Array.of(0x7f800001, 0xffffffff, 0x7f80ffff).buffer)
    for (const bits of toBfloat16(nans)) expect(isNaN(bits, 7)).toBe(true)
  })
})

/** The float32 nearest to a whole number, ties to even, by whole numbers alone. */
function nearest(x: bigint): number {
  const size = x < 0n ? -x : x
  const shift = BigInt(Math.max(0, size.toString(2).length - 24))
  const [whole, rest, half] = [size >> shift, size & ((1n << shift) - 1n), shift === 0n ? 1n : 1n << (shift - 1n)]
  const up = rest > half || (rest === half && whole % 2n === 1n) ? 1n : 0n
  return Number((whole + up) << shift) * (x < 0n ? -1 : 1)
}

describe('64-bit integers as rows', () => {
  const edges = [0n, 1n, 2n ** 24n + 1n, 2n ** 53n - 1n, 2n ** 53n + 2n ** 29n, 2n ** 60n + 2n ** 36n, 2n ** 63n - 1n]
  const near = edges.flatMap((x) => [-2n, -1n, 0n, 1n, 2n].map((by) => x + by)).filter((x) => x < 2n ** 63n)
  const around = fc
    .tuple(fc.bigInt(0n, 2n ** 63n - 1n), fc.nat(63))
    .map(([x, bits]) => (x >> BigInt(bits)) << BigInt(bits))
  const anyLong = fc.oneof(
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    around,
    fc.constantFrom(...near, ...near.map((x) => -x)),
  )
  test.prop([fc.array(anyLong, { maxLength: 20 })], { seed: 5, numRuns: 3000 })('are the nearest float32', (list) => {
    for (const [element, data] of [
      ['i8', BigInt64Array.from(list)],
      ['u8', BigUint64Array.from(list)],
    ] as const) {
      const out = new Float32Array(list.length)
      toFloat32(element, new Uint8Array(data.buffer), out)
      expect([...out]).toEqual([...data].map(nearest))
    }
  })
})

describe('the codecs', () => {
  it('read F16 and BF16 tensors and write them back bit for bit', () => {
    const finite = all.filter((bits) => !isNaN(bits, 10) && !isNaN(bits, 7))
    const shape = [finite.length]
    const bytes = encodeTensors({
      h: { dtype: 'F16', shape, data: fromHalf(finite) },
      b: { dtype: 'BF16', shape, data: fromBfloat16(finite) },
    })
    const raw = new Uint8Array(finite.buffer)
    expect(Buffer.from(bytes.subarray(-2 * raw.length)).equals(Buffer.concat([raw, raw]))).toBe(true)
    const { tensors } = decodeTensors(bytes)
    expect(tensors.get('h')!.data).toEqual(fromHalf(finite))
    expect(tensors.get('b')!.data).toEqual(fromBfloat16(finite))
  })

  it('round to float32 up to the last float64 that stays finite', () => {
    const edge = 2 ** 128 - 2 ** 103 // halfway from the largest float32 to 2^128: a tie, and so Infinity
    const below = edge - 2 ** 75
    expect(decodeNpy(encodeNpy({ shape: [1], data: Float64Array.of(-below) }, { dtype: 'f4' })).data[0]).toBe(
      -(2 ** 128 - 2 ** 104),
    )
    expect(() => encodeNpy({ shape: [1], data: Float64Array.of(edge) }, { dtype: 'f4' })).toThrow('entry 0 must fit f4')
  })

  test.prop([fc.float64Array({ noNaN: true, maxLength: 30 })], { seed: 2, numRuns: 1000 })(
    'keep float64, round to float32 and float16, and refuse what would become infinite',
    (data) => {
      const shape = [data.length]
      expect(decodeNpy(encodeNpy({ shape, data })).data).toEqual(data)
      for (const [dtype, round] of [
        ['f4', Float32Array.from(data)],
        ['f2', fromHalf(toHalf(data))],
      ] as const) {
        const lost = data.findIndex((x, i) => Number.isFinite(x) && !Number.isFinite(round[i]))
        if (lost < 0) expect(decodeNpy(encodeNpy({ shape, data }, { dtype })).data).toEqual(round)
        else expect(() => encodeNpy({ shape, data }, { dtype })).toThrow(`entry ${lost} must fit ${dtype}`)
      }
    },
  )
})
