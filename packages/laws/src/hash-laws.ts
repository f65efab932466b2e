import type { Seed } from '@sublinear/core'
import fc from 'fast-check'
import { insist, law, refusal, type Law } from './law'
import { smallFamilyLaw, type SmallFamily } from './small-family-law'

export interface HashLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes the function of a seed: key → 0 … range − 1. */
  readonly make: (seed: Seed) => (key: number) => number | bigint
  /** Number of values: they are 0 … range − 1. */
  readonly range: number | bigint
  /** Number of keys that fall independently, whatever keys they are: 2, 3, 4, 5, … */
  readonly independence: number
  /** Keys are 0 … domain − 1. Default 2^53. */
  readonly domain?: number | undefined
  /** The values of keys first … first + count − 1, where the hash has a block form. */
  readonly block?: ((seed: Seed, first: number, count: number) => ArrayLike<number | bigint>) | undefined
  /** The value from an independent implementation, for example in BigInt. */
  readonly oracle?: ((seed: Seed, key: number) => number | bigint) | undefined
  /** The same construction over a field so small that all of its functions can be tried. */
  readonly small?: SmallFamily | undefined
  /** Number of functions that are drawn where independence is sampled. Default 2000. */
  readonly seeds?: number | undefined
}

/**
 * The laws of a hash function of integer keys, for any implementation:
 * `for (const law of hashLaws({ name, make, range, independence })) test(law.name, law.run)`.
 *
 * @returns laws that throw where they are broken; keys and seeds are fixed
 */
export function hashLaws({ name, make, domain = 2 ** 53, seeds = 2000, ...options }: HashLaws): Law[] {
  const { range, independence, block, oracle, small } = options
  const edges = [0, 63, 64, 2 ** 31 - 1, 2 ** 32, 2 ** 53]
    .flatMap((x) => [x - 2, x - 1, x, x + 1, domain - 1 - x])
    .filter((x) => x >= 0 && x < domain)
  const key = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: domain - 1 }))
  const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))

  const pure = law(
    {
      name: 'a value depends on seed and key alone, and lies in the range',
      kills: [
        'a function that remembers',
        'a value equal to the range',
        'half of the seed unused',
        'high bits of the key unused',
      ],
      runs: 60,
    },
    fc.record({ seed, key, other: key }),
    ({ seed, key, other }) => {
      const [one, two] = [make(seed), make(seed)]
      for (const at of [key, ...edges]) {
        const value = one(at)
        two(other)
        insist(two(at) === value && one(at) === value, `two values of key ${at}: ${value} and ${two(at)}`)
        insist(value >= 0 && value < range, `the value ${value} of key ${at} is not below ${range}`)
        insist(typeof value === 'bigint' || Number.isInteger(value), `the value ${value} of key ${at} is no integer`)
        if (oracle) insist(value === oracle(seed, at), `the value of key ${at} is ${value}, not ${oracle(seed, at)}`)
      }
    },
  )

  const distinct = law(
    {
      name: 'every bit of seed and key counts',
      kills: ['half of the seed unused', 'high bits of the key unused', 'keys reduced before they are hashed'],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const base = trace(make(5n), domain, 0)
      for (let bit = 0n; bit < 64n; bit++)
        insist(trace(make(5n ^ (1n << bit)), domain, 0) !== base, `bit ${bit} of the seed is unused`)
      for (let shift = 512; shift < domain / 2; shift *= 2)
        insist(trace(make(5n), domain, shift) !== base, `keys ${shift} apart have equal values`)
      for (const period of [2 ** 31 - 1, 2 ** 61 % (2 ** 31 - 1)]) {
        insist(
          period >= domain - 400 || trace(make(5n), domain, period) !== base,
          `keys ${period} apart have equal values`,
        )
      }
    },
  )

  const samples = law(
    {
      name: `any ${independence} keys fall independently, consecutive ones too`,
      kills: [
        'a sign from the lowest bit of a multiply-shift: period 4',
        'a smaller independence',
        'a constant leading bit',
      ],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const sets = keySets(Math.min(independence, 8), domain)
      const sums = sets.map(() => 0)
      for (let s = 0; s < seeds; s++) {
        const hash = make(s)
        for (const [i, keys] of sets.entries()) sums[i] += keys.reduce((sign, key) => sign * half(hash(key), range), 1)
      }
      // The product of up to k fair, independent signs is a fair sign. Five standard errors are allowed for each of the sets; an odd range is fair only to 1/range.
      const most = 5 * Math.sqrt(seeds) + (2 * seeds * independence) / Number(range)
      for (const [i, sum] of sums.entries()) {
        insist(Math.abs(sum) <= most, `signs at keys ${sets[i].join(', ')} multiply to ${sum} over ${seeds} seeds`)
      }
    },
  )

  const refuses = law(
    {
      name: 'keys that are none are refused',
      kills: ['a key that wraps round', 'a fraction that is cut off'],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const hash = make(1)
      for (const bad of [-1, 0.5, NaN, Infinity, domain]) refusal(() => hash(bad), RangeError, `key ${bad}`)
      refusal(() => hash('1' as never), TypeError, 'a key as text')
      for (const bad of [-1, 0.5, 2n ** 64n]) refusal(() => make(bad), RangeError, `seed ${bad}`)
      refusal(() => make(undefined as never), TypeError, 'no seed')
    },
  )

  const laws = [pure, distinct, samples, refuses]
  if (block) {
    laws.push(
      law(
        {
          name: 'the block form gives the single values',
          kills: ['a block that begins elsewhere', 'an index that wraps at 2^32', 'the last of a block forgotten'],
          runs: 40,
        },
        fc.record({ seed, first: key, count: fc.constantFrom(0, 1, 2, 63, 64, 65, 300) }),
        ({ seed, first, count }) => {
          const at = Math.max(0, Math.min(first, domain - count))
          const [values, hash] = [block(seed, at, count), make(seed)]
          insist(values.length === count, `${values.length} values, not ${count}`)
          for (let c = 0; c < count; c++)
            insist(values[c] === hash(at + c), `${values[c]} at ${at} + ${c}, not ${hash(at + c)}`)
        },
      ),
    )
  }
  if (small) laws.push(smallFamilyLaw(small, independence))
  return laws.map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

/** The first 128 values, as text. */
function trace(hash: (key: number) => number | bigint, domain: number, shift: number): string {
  return Array.from({ length: 128 }, (_, i) => hash((i * 3 + shift) % domain)).join()
}

/** The sign of a value: +1 in the lower half of the range, −1 in the upper. */
function half(value: number | bigint, range: number | bigint): number {
  if (typeof value === 'bigint') return value < BigInt(range) / 2n ? 1 : -1
  return value < Number(range) / 2 ? 1 : -1
}

/** Makes sets of 1 … size keys: consecutive, in steps of powers of two, far apart, and such that low bits cancel. */
function keySets(size: number, domain: number): number[][] {
  const sets: number[][] = []
  for (let k = 1; k <= size; k++) {
    for (const first of [0, 1, 1000, Math.floor(domain / 2), domain - 9]) {
      for (const step of [1, 2, 4, 64]) {
        const keys = Array.from({ length: k }, (_, i) => first + i * step)
        if (first >= 0 && keys.every((key) => key < domain)) sets.push(keys)
      }
    }
    const apart = Array.from({ length: k }, (_, i) => Math.floor(((i + 1) * domain) / (k + 2)))
    if (new Set(apart).size === k) sets.push(apart)
  }
  return sets
}
