// Polynomials mod 2^61 - 1 and words of signs, scalar and SIMD against their definitions. Kills: a group of 16 keys read in another
// order, columns of the wrong nibble, words of the wrong index bit, chunks that begin at the wrong function or key.
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { words } from './oracle'

describe.each([simdKernels(), scalarKernels])('affineWords of the $name kernels', (kernels) => {
  it.each([0, 1, 15, 16, 17, 63, 5000])('of %i functions', (count) => {
    const next = words(count)
    const keys = Uint32Array.from({ length: Math.ceil(count / 16) * 64 }, next)
    const bases = Uint32Array.from({ length: 2 * count }, next)
    const columns = Uint32Array.from({ length: 128 }, () => next() % 128)
    const out = new Uint32Array(2 * count + 2).fill(7)
    kernels.affineWords(out, keys, bases, columns, count)
    for (let f = 0; f < count; f += count > 100 ? 37 : 1) {
      let s = 0
      for (let t = 0; t < 128; t++) {
        const byte = new Uint8Array(keys.buffer)[Math.floor(f / 16) * 256 + (t >> 3) * 16 + (f % 16)]
        if ((byte >> (t & 7)) & 1) s ^= columns[t]
      }
      for (let l = 0; l < 64; l++) {
        const bits = (s & (1 + 2 * l)).toString(2).replaceAll('0', '').length
        const wanted = ((bases[2 * f + (l >> 5)] >>> (l & 31)) & 1) ^ (bits & 1)
        if (((out[2 * f + (l >> 5)] >>> (l & 31)) & 1) !== wanted) expect.fail(`function ${f}, bit ${l}`)
      }
    }
    expect([...out.subarray(2 * count)]).toEqual([7, 7])
  })
})

describe.each([simdKernels(), scalarKernels])('polynomials of the $name kernels', (kernels) => {
  const P = 2n ** 61n - 1n
  it.each([
    [1, 0, 5],
    [3, 1, 70],
    [2, 3, 9000],
    [700, 2, 20],
    [1, 3000, 9],
    [4, 2, 0],
  ])('%i functions of degree %i at %i keys', (functions, degree, count) => {
    const next = words(functions + degree)
    const coefficients = Uint32Array.from(
      { length: 2 * functions * (degree + 1) },
      (_, i) => next() >>> (i & 1 ? 3 : 0),
    )
    const keys = Float64Array.from({ length: count }, () => (next() % 2 ** 21) * 2 ** 32 + next())
    for (const buckets of [0, 1000, 2 ** 31]) {
      const each = buckets ? 1 : 2
      const out = new Uint32Array(functions * count * each + 1).fill(7)
      kernels.polynomials(out, coefficients, functions, degree, keys, count, buckets)
      const step = Math.max(1, Math.floor((functions * count) / 300))
      for (let at = 0; at < functions * count; at += step) {
        const f = Math.floor(at / count)
        let value = 0n
        for (let j = degree; j >= 0; j--) {
          const i = 2 * (f * (degree + 1) + j)
          value =
            (value * BigInt(keys[at % count]) + BigInt(coefficients[i]) + (BigInt(coefficients[i + 1]) << 32n)) % P
        }
        const got = buckets ? BigInt(out[at]) : BigInt(out[2 * at]) | (BigInt(out[2 * at + 1]) << 32n)
        expect(got).toBe(buckets ? (value * BigInt(buckets)) >> 61n : value)
      }
      expect(out.at(-1)).toBe(7)
    }
  })
})
