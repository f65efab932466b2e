// The sketch and hash laws themselves: right implementations pass, and every mutant is rejected by the law that is named for it.
// Kills: a law that compares nothing, a mutant that slips through, a law that no mutant tries.
import { describe, expect, test } from 'vitest'
import { amsSketch } from '@sublinear/ams-sketch'
import { polynomialHash } from '@sublinear/hash-families'
import {
  hashLaws,
  hashMutants,
  innerProductLaw,
  sketchMatrixLaws,
  sketchMatrixMutants,
  type HashLaws,
  type Law,
} from '../src'

type MakeMatrix = typeof amsSketch

const amsVariance = ({ u, v, m }: { u: Float64Array; v: Float64Array; m: number }) => {
  let [uu, vv, uv, both] = [0, 0, 0, 0]
  for (const [i, x] of u.entries()) {
    uu += x * x
    vv += v[i] ** 2
    uv += x * v[i]
    both += x * x * v[i] ** 2
  }
  return (uu * vv + uv * uv - 2 * both) / m
}
const matrixLaws = (make: MakeMatrix) => [
  ...sketchMatrixLaws({
    name: 'ams',
    make,
    differs: [(shape) => ({ ...make(shape), kind: `${make(shape).kind}/other` })],
  }),
  ...innerProductLaw({ name: 'ams', make, seeds: 1500 }, amsVariance),
]

const hash4 = (seed: number | bigint) => polynomialHash({ independence: 4, seed, prime: '2^31-1' }).value
const hashCase: Omit<HashLaws, 'make'> = { name: 'hash', range: 2 ** 31 - 1, independence: 4 }

describe('right ones pass', () => {
  for (const law of matrixLaws(amsSketch)) test(law.name, law.run)
  for (const law of hashLaws({ ...hashCase, make: hash4 })) test(law.name, law.run)
})

/** Runs the laws of that name; true if one of them throws. */
function rejected(laws: readonly Law[], named: string): boolean {
  const chosen = laws.filter(({ name }) => name.includes(named))
  expect(chosen.length).toBeGreaterThan(0)
  return chosen.some(({ run }) => {
    try {
      run()
    } catch {
      return true
    }
    return false
  })
}

// The kind is compared with that of a matrix of other options: a mutant that has one kind for all shares it with them.
const lawsOf = (make: MakeMatrix, mistake: string) =>
  mistake.includes('one kind')
    ? sketchMatrixLaws({ name: 'ams', make, differs: [(shape) => make(shape)] })
    : matrixLaws(make)

describe('each broken matrix is rejected', () => {
  const mutants = sketchMatrixMutants(amsSketch)
  test.each(mutants.map((mutant) => [mutant.mistake, mutant] as const))('%s', (mistake, { law, make }) => {
    expect(rejected(lawsOf(make, mistake), law)).toBe(true)
  })

  test('every law rejects some mistake', () => {
    for (const { name, kills } of matrixLaws(amsSketch)) {
      expect(kills.length).toBeGreaterThan(0)
      if (!/m and seed are checked|any tree/.test(name))
        expect(
          mutants.some(({ law }) => name.includes(law)),
          name,
        ).toBe(true)
    }
  })
})

describe('each broken hash is rejected', () => {
  test.each(hashMutants(hash4).map((mutant) => [mutant.mistake, mutant] as const))('%s', (_, { law, make }) => {
    expect(rejected(hashLaws({ ...hashCase, make }), law)).toBe(true)
  })

  test('a wrong block form, a wrong oracle, a family that is less or more than it says', () => {
    const block = (seed: number | bigint, first: number, count: number) =>
      Float64Array.from({ length: count }, (_, c) => hash4(seed)(c > 63 ? first + 1 : first + c))
    expect(rejected(hashLaws({ ...hashCase, make: hash4, block }), 'block form')).toBe(true)
    const oracle = (seed: number | bigint, key: number) => hash4(seed)(key) % (2 ** 31 - 2)
    const strange = hashLaws({ ...hashCase, make: (seed) => (key) => (key === 64 ? 0 : hash4(seed)(key)), oracle })
    expect(rejected(strange, 'seed and key alone')).toBe(true)
    const line = {
      functions: 25,
      keys: 5,
      values: 5,
      value: (f: number, key: number) => ((f % 5) + Math.floor(f / 5) * key) % 5,
    }
    const small = (independence: number, family = line) =>
      rejected(hashLaws({ ...hashCase, make: hash4, independence, small: family }), 'small field')
    expect([small(2), small(3), small(1)]).toEqual([false, true, true])
    const forced = { ...line, functions: 20, value: (f: number, key: number) => line.value(f + 5, key) }
    expect(small(2, forced)).toBe(true)
  })
})
