// The laws of Φ and of its decoder, for trees and for the stored vector, lengths that are no power of two among them; golden columns.
// Kills what the laws list. Mutants of the decoder, each rejected by a law: below.
import { crc32, sketch, type Seed, type SparseRecovery, type SparseVector } from '@sublinear/core'
import { sketchMatrixLaws, sparseRecoveryLaws } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { recoveryRows, sparseRecovery } from '../src'

const trees = { n: 50_021, k: 8, epsilon: 0.5 }
const stored = { n: 700, k: 6, epsilon: 0.5 }
const make =
  (size: typeof trees) =>
  (seed: Seed): SparseRecovery =>
    sparseRecovery({ ...size, seed })
const sketchOf = (size: typeof trees, seed = 5) => sketch(make(size)(seed).matrix, 1)
const digest = (bytes: Uint8Array) => crc32(bytes).toString(16)

describe.each([
  { name: 'trees', size: trees, other: { ...trees, n: 50_022 }, expected: '2dcf0e85' },
  {
    name: 'trees of 2^32',
    size: { n: 2 ** 32, k: 3, epsilon: 1 },
    other: { n: 2 ** 32 - 1, k: 3, epsilon: 1 },
    expected: '6245d1b4',
  },
  { name: 'the stored vector', size: stored, other: { ...stored, n: 701 }, expected: undefined },
])('Φ: $name', ({ name, size, other, expected }) => {
  const m = recoveryRows(size)
  const laws = sketchMatrixLaws({
    name,
    make: ({ seed }) => make(size)(seed).matrix,
    rows: [m],
    columns: size.n,
    differs: [({ seed }) => make(other)(seed).matrix],
    ...(expected !== undefined && { golden: { m, seed: 5, digest, expected } }),
  })
  // m follows from n, k and ε, nonzeros are ±1 and not ±1/√m, and Φ = I is the same for every seed: what this leaves out is tested below.
  const others = [
    'size 1/√m',
    'm and seed are checked',
    'unlike sketches',
    ...(expected === undefined ? ['bit for bit'] : []),
  ]
  for (const law of laws.filter(({ name }) => !others.some((words) => name.includes(words)))) test(law.name, law.run)

  it('is merged with nothing of another seed, length, k or ε', () => {
    const mine = sketchOf(size)
    mine.merge(sketchOf(size))
    for (const unlike of [
      sketchOf(size, 6),
      sketchOf(other),
      sketchOf({ ...size, k: size.k + 1 }),
      sketchOf({ ...size, epsilon: 0.3 }),
    ]) {
      if (unlike.matrix.kind === mine.matrix.kind && unlike.matrix.seed === mine.matrix.seed) continue // Φ = I of the same n
      expect(() => mine.merge(unlike)).toThrow(/sketch: (matrix|m|seed) differs/)
    }
  })
})

describe.each([
  { name: 'trees', size: trees },
  { name: 'the stored vector', size: stored },
])('the decoder: $name', ({ name, size }) => {
  for (const law of sparseRecoveryLaws({ name, make: make(size), epsilon: size.epsilon, wide: 2 })) {
    test(law.name, law.run)
  }
})

describe('every mistake is rejected by the law that is named for it', () => {
  type Change = (good: SparseVector, recovery: SparseRecovery) => SparseVector
  const after =
    (change: Change) =>
    (seed: Seed): SparseRecovery => {
      const good = make(trees)(seed)
      const decode: SparseRecovery['decode'] = (measured) => change(good.decode(measured), good)
      return { ...good, decode, decodeWide: (measured) => change(good.decodeWide(measured), good) }
    }
  let last: SparseVector | undefined
  it.each<[string, string, (seed: Seed) => SparseRecovery]>([
    ['signs lost', 'at most k entries', after((v) => ({ ...v, values: v.values.map(Math.abs) }))],
    [
      'an index off by one',
      'at most k entries',
      after((v) => ({ ...v, indices: v.indices.map((i) => (i + 1) % v.length) })),
    ],
    [
      'half the entries',
      'within (1 + epsilon)',
      after((v) => vector(v.length, entries(v).slice(0, v.indices.length >> 1))),
    ],
    ['estimates off by a tenth', 'at most k entries', after((v) => ({ ...v, values: v.values.map((x) => 1.1 * x) }))],
    ['an index twice', 'well formed', after((v) => vector(v.length, [...entries(v), ...entries(v).slice(-1)]))],
    ['out of order', 'well formed', after((v) => vector(v.length, entries(v).toReversed()))],
    ['another length', 'well formed', after((v) => ({ ...v, length: v.length - 1 }))],
    [
      'more than k entries',
      'well formed',
      (seed) => ({ ...make(trees)(seed), decode: make({ ...trees })(seed).decodeWide }),
    ],
    [
      'an entry of 0',
      'well formed',
      after((v) => vector(v.length, v.indices[0] === 0 ? entries(v) : [[0, 0], ...entries(v)])),
    ],
    [
      'a threshold in absolute terms',
      'add up',
      after((v) =>
        vector(
          v.length,
          entries(v).filter(([, x]) => Math.abs(x) < 1e6),
        ),
      ),
    ],
    [
      'an answer that is shared',
      'changes nothing',
      after((v) => (last && last.indices.length === v.indices.length ? last : (last = v))),
    ],
    [
      'measurements overwritten',
      'changes nothing',
      (seed) => {
        const good = make(trees)(seed)
        return {
          ...good,
          decodeWide(measured) {
            const found = good.decodeWide(measured)
            measured[0] += 1
            return found
          },
        }
      },
    ],
    [
      'NaN accepted',
      'refused',
      (seed) => {
        const good = make(trees)(seed)
        return { ...good, decode: (measured) => good.decode(measured.map((x) => (Number.isNaN(x) ? 0 : x))) }
      },
    ],
  ])('%s', (_, named, mutant) => {
    const laws = sparseRecoveryLaws({ name: 'mutant', make: mutant, epsilon: 0.5, wide: 2 })
    const chosen = laws.filter(({ name }) => name.includes(named))
    expect(chosen).toHaveLength(1)
    expect(chosen[0].run).toThrow()
  })
})

const entries = ({ indices, values }: SparseVector) => Array.from(indices, (index, c) => [index, values[c]] as const)

const vector = (length: number, all: (readonly [number, number])[]): SparseVector => ({
  length,
  indices: Float64Array.from(all, ([index]) => index),
  values: Float64Array.from(all, ([, value]) => value),
})
