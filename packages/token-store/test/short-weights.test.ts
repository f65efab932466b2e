// Weights of 16 bits by exhaustive enumeration and against float64. Kills: a mantissa that does not carry, an exponent off by one at powers of two, whole numbers
// below 1024 that are not exact, weights that a restore turns into codes anew.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { shortCode, shortWeight, shortWeights, weightOf } from '../src/short-weights'

describe('weights of 16 bits', () => {
  it('every code is the code of its weight, and greater codes are greater weights', () => {
    for (let code = 0; code < 2 ** 16 - 512; code++) {
      expect(shortCode(weightOf(code))).toBe(code)
      if (code > 0 && !(weightOf(code) > weightOf(code - 1))) expect.fail(`code ${code}`)
    }
  })
  it('whole numbers up to 1024 and powers of two are exact', () => {
    for (let n = 1; n <= 1024; n++) expect(shortWeight(n)).toBe(n)
    for (let e = -60; e <= 53; e++) expect(shortWeight(2 ** e)).toBe(2 ** e)
  })
  test.prop([fc.double({ min: 2 ** -60, max: 2 ** 53, noNaN: true })], { seed: 1, numRuns: 2000 })(
    'are off by at most 2⁻¹⁰',
    (weight) => {
      expect(Math.abs(shortWeight(weight) / weight - 1)).toBeLessThanOrEqual(2 ** -10)
    },
  )
  it('a logarithm for each slot in use, and bytes from the first that is not 1 on', () => {
    const weights = shortWeights()
    weights.write(Float32Array.of(1, 1), 2, 0, 4)
    expect(weights.bytes).toBe(0)
    weights.write(Float32Array.of(1, 6), 2, 2, 4)
    expect(weights.bytes).toBe(8)
    expect([...weights.all!]).toEqual([1, 1, 1, 6])
    expect([...(weights.bias as Float32Array)]).toEqual([0, 0, 0, Math.fround(Math.log(6))])
    weights.drop(3, 4)
    expect(weights.bytes).toBe(0)
  })
})
