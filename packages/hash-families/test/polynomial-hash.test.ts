// Both moduli against BigInt on 460 000 inputs. Kills: a quotient that is two off, a carry lost between limbs, p left in the place
// of 0, the top limb of a key dropped, a product of the high words without its factor 8, streams that share coefficients,
// block forms that restart at the wrong key.
import { describe, expect, it } from 'vitest'
import { scalarSketchKernels, simdSketchKernels } from '@sublinear/kernels'
import { polynomialHash } from '../src'
import { evaluateMersenne, mersenne } from '../src/mersenne'
import { coefficient31, coefficient61, EDGES, P31, P61, polynomial61, polynomialOverPairs, randomKeys } from './oracle'

const edge31 = [0, 1, 2, 2 ** 30, 2 ** 31 - 3, 2 ** 31 - 2]
const edge61 = [0n, 1n, 2n ** 20n - 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 60n, P61 - 2n, P61 - 1n]

const field = mersenne(31)
const check = (a: number, x: number, b: number) => {
  const wanted = Number((BigInt(a) * BigInt(x) + BigInt(b)) % P31)
  if (evaluateMersenne(field, Int32Array.of(b, 0, a, 0), x) !== wanted) expect.fail(`${a}·${x} + ${b} is ${wanted}`)
}

describe('mod 2^31 - 1', () => {
  it('a step a·x + b equals BigInt at 200 000 random and all edge inputs', () => {
    const random = randomKeys(600_000, 1)
    for (let i = 0; i < 200_000; i++) {
      const [a, x, b] = [0, 1, 2].map((j) => random[3 * i + j] % (2 ** 31 - 1)) as [number, number, number]
      check(a, x, b)
    }
    for (const a of edge31) for (const x of edge31) for (const b of edge31) check(a, x, b)
  })

  it.each([2, 3, 4, 7])('of degree below %i equals BigInt at keys of 53 bits', (independence) => {
    const seed = 0x123456789abcdef0n
    for (const stream of [0, 5]) {
      const hash = polynomialHash({ independence, seed, prime: '2^31-1', stream })
      const coefficients = Array.from({ length: independence }, (_, j) => coefficient31(seed, stream, j))
      const keys = Float64Array.from([...EDGES, ...randomKeys(4000, independence)])
      const got = new Uint32Array(keys.length)
      hash.fillKeys(keys, got)
      for (const [i, key] of keys.entries()) {
        const wanted = Number(polynomialOverPairs(P31, coefficients, key))
        if (got[i] !== wanted || hash.value(key) !== wanted) expect.fail(`${got[i]} at ${key}, not ${wanted}`)
      }
    }
  })

  it('edge coefficients equal BigInt over GF(p²)', () => {
    for (const a of edge31) {
      for (const b of edge31) {
        const parts = [a, b, b, a, a, b]
        const pairs = [0, 2, 4].map((i) => [BigInt(parts[i]), BigInt(parts[i + 1])] as const)
        for (const key of EDGES) {
          const got = evaluateMersenne(field, Int32Array.from(parts), key)
          if (got !== Number(polynomialOverPairs(P31, pairs, key))) expect.fail(`${parts} at ${key}: ${got}`)
        }
      }
    }
  })
})

describe.each([simdSketchKernels(), scalarSketchKernels])('mod 2^61 - 1 on the $name kernels', (kernels) => {
  const run = (coefficients: readonly bigint[], keys: Float64Array) => {
    const words = Uint32Array.from(coefficients.flatMap((c) => [Number(c & 0xffffffffn), Number(c >> 32n)]))
    const out = new Uint32Array(2 * keys.length)
    kernels.polynomials(out, words, 1, coefficients.length - 1, keys, keys.length, 0)
    return keys.reduce<bigint[]>((all, _, i) => {
      all.push(BigInt(out[2 * i]) | (BigInt(out[2 * i + 1]) << 32n))
      return all
    }, [])
  }

  it('a step a·x + b equals BigInt at 100 000 random inputs, and at all edges', () => {
    const random = randomKeys(100_000, 2)
    for (let part = 0; part < 100; part++) {
      const [a, b] = [0, 1].map((i) => (BigInt(random[part * 7 + i]) * 0x9e3779b97f4a7c15n) % P61) as [bigint, bigint]
      const keys = random.subarray(part * 1000, (part + 1) * 1000)
      for (const [i, got] of run([b, a], keys).entries()) {
        if (got !== polynomial61([b, a], keys[i])) expect.fail(`${a}·${keys[i]} + ${b} is not ${got}`)
      }
    }
    const keys = Float64Array.from(EDGES)
    for (const a of edge61) {
      for (const b of edge61) {
        for (const [i, got] of run([b, a, b, a], keys).entries()) {
          if (got !== polynomial61([b, a, b, a], keys[i])) expect.fail(`${a}, ${b} at ${keys[i]}: ${got}`)
        }
      }
    }
  })
})

describe('polynomialHash mod 2^61 - 1', () => {
  it.each([2, 4, 9])('of degree below %i equals BigInt', (independence) => {
    const hash = polynomialHash({ independence, seed: 99, prime: '2^61-1', stream: 3 })
    const coefficients = Array.from({ length: independence }, (_, j) => coefficient61(99n, 3, j))
    const keys = Float64Array.from([...EDGES, ...randomKeys(5000, independence)])
    const got = new Uint32Array(2 * keys.length)
    hash.fillKeys(keys, got)
    for (const [i, key] of keys.entries()) {
      const wanted = polynomial61(coefficients, key)
      expect(BigInt(got[2 * i]) | (BigInt(got[2 * i + 1]) << 32n)).toBe(wanted)
      if (i < 500) expect(hash.value(key)).toBe(wanted)
    }
  })
})

describe.each(['2^31-1', '2^61-1'] as const)('polynomialHash mod %s', (prime) => {
  it('block forms give the single values, at consecutive keys and in any cut', () => {
    const hash = polynomialHash({ independence: 4, seed: 5, prime })
    for (const [first, count] of [
      [0, 9000],
      [2 ** 31 - 9, 20],
      [2 ** 53 - 10, 10],
      [7, 0],
    ] as const) {
      const out = new Uint32Array(count * hash.words)
      hash.fill(first, count, out)
      for (let c = 0; c < count; c += count > 100 ? 97 : 1) {
        const low = BigInt(out[c * hash.words])
        const high = hash.words === 2 ? BigInt(out[2 * c + 1]) : 0n
        expect(BigInt(hash.value(first + c))).toBe(low | (high << 32n))
      }
    }
  })

  it('another seed or stream is another function; bytes are those of the coefficients', () => {
    const value = (seed: number | bigint, stream: number) =>
      polynomialHash({ independence: 2, seed, prime, stream }).value(1)
    const all = [value(1, 0), value(1, 1), value(2, 0), value(1n << 32n, 0), value(1n | (1n << 32n), 0)]
    expect(new Set(all).size).toBe(all.length)
    expect(polynomialHash({ independence: 6, seed: 1, prime }).bytes).toBe(48)
  })

  it('refuses what is out of range', () => {
    const hash = polynomialHash({ independence: 2, seed: 1, prime })
    expect(() => polynomialHash({ independence: 1, seed: 1, prime })).toThrow(
      'polynomialHash: independence must be an integer from 2 to',
    )
    expect(() => polynomialHash({ independence: 2, seed: -1, prime })).toThrow(RangeError)
    expect(() => polynomialHash({ independence: 2, seed: 1, prime: '2^13-1' as never })).toThrow(
      "prime must be '2^31-1' or '2^61-1', got 2^13-1",
    )
    for (const key of [-1, 0.5, NaN, 2 ** 53])
      expect(() => hash.value(key)).toThrow('polynomialHash: key must be an integer')
    for (const key of [-1, 0.5, NaN, 2 ** 53]) {
      const out = new Uint32Array(4)
      expect(() => hash.fillKeys(Float64Array.of(3, key), out)).toThrow('polynomialHash: keys[1] must be an integer')
      expect(out).toEqual(new Uint32Array(4)) // a refused call writes nothing
    }
    expect(() => hash.value('1' as never)).toThrow(TypeError)
    expect(() => hash.fill(2 ** 53 - 2, 3, new Uint32Array(6))).toThrow('polynomialHash: count must be')
    expect(() => hash.fill(0, 3, new Uint32Array(2))).toThrow('polynomialHash: out must have at least')
    expect(() => hash.fill(0, 1, new Float64Array(2) as never)).toThrow(TypeError)
    expect(() => hash.fillKeys([1] as never, new Uint32Array(2))).toThrow(TypeError)
    expect(() => hash.fillKeys(Float64Array.of(1, -1), new Uint32Array(4))).toThrow('keys[1]')
  })
})
