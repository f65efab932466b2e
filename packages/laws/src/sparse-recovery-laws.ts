import { sketch, type Seed, type SparseRecovery, type SparseVector } from '@sublinear/core'
import fc from 'fast-check'
import { insist, law, refusal, sameBits, type Law } from './law'

export interface SparseRecoveryLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes Φ and its decoder from a seed; n, k and everything else are always the same. */
  readonly make: (seed: Seed) => SparseRecovery
  /** The ε of the promise ‖x′ − x‖₂ ≤ (1 + ε)·tail_k(x). */
  readonly epsilon: number
  /** Factor: decodeWide returns at most so many times k entries. Default 4. */
  readonly wide?: number | undefined
  /** Rounding of measurements, relative to ‖x‖. Default 1e-5. */
  readonly tolerance?: number | undefined
}

/**
 * The laws of the SparseRecovery contract, for any implementation: `for (const law of sparseRecoveryLaws({ name, make, epsilon }))
 * test(law.name, law.run)`. Φ itself has sketchMatrixLaws.
 *
 * A decoder may fail with a small probability over its seed. Seeds are fixed, and a decoder that fails on one of the 60 inputs is rejected.
 *
 * Cost: some 100 decodings, and measuring n entries 12 times.
 *
 * @returns laws that throw where they are broken
 */
export function sparseRecoveryLaws({ name, make, epsilon, wide = 4, tolerance = 1e-5 }: SparseRecoveryLaws): Law[] {
  const { n, k } = make(0)
  const input = fc.record({ seed: fc.nat({ max: 1000 }), data: fc.nat(), count: fc.integer({ min: 0, max: k }) })

  const sparse = law(
    {
      name: 'a vector of at most k entries comes back',
      kills: [
        'entries lost',
        'signs lost',
        'an index off by one',
        'entries that are not there',
        'estimates that are not fitted',
      ],
    },
    input,
    ({ seed, data, count }) => {
      const recovery = make(seed)
      const x = entries(n, count, data)
      const measured = measure(recovery, x)
      for (const found of [recovery.decode(measured), recovery.decodeWide(measured)]) {
        near(found, x, tolerance * norm(x), `${count} entries`)
      }
    },
  )
  const dense = law(
    {
      name: 'the error is within (1 + epsilon) of the best k entries',
      kills: [
        'the smallest entries returned',
        'too few entries',
        'noise returned as entries',
        'entries of a past call',
      ],
      runs: 6,
    },
    input,
    ({ seed, data, count }) => {
      const recovery = make(seed)
      const x = noisy(n, entries(n, count, data), data)
      const measured = measure(recovery, x)
      const bound = (1 + epsilon) * tail(x, k) + tolerance * norm(x)
      for (const found of [recovery.decode(measured), recovery.decodeWide(measured)]) {
        near(found, x, bound, `${count} entries in noise`)
      }
    },
  )
  const shape = law(
    {
      name: 'vectors are well formed',
      kills: [
        'more than k entries',
        'an index twice',
        'an index beyond n',
        'indices out of order',
        'entries that are 0',
        'another length',
      ],
    },
    input,
    ({ seed, data, count }) => {
      const recovery = make(seed)
      const measured = measure(recovery, entries(n, Math.min(n, 3 * count), data))
      wellFormed(recovery.decode(measured), n, k, 'decode')
      wellFormed(recovery.decodeWide(measured), n, wide * k, 'decodeWide')
    },
  )
  const linear = law(
    {
      name: 'measurements add up',
      kills: ['a decoder that depends on how measurements came about', 'scales that are not exact'],
    },
    input,
    ({ seed, data, count }) => {
      const recovery = make(seed)
      const [x, y] = [entries(n, Math.ceil(count / 2), data), entries(n, Math.floor(count / 2), data ^ 1)]
      const sum = measure(recovery, x).map((value, i) => value + measure(recovery, y)[i])
      const both = new Map(x)
      for (const [index, value] of y) both.set(index, (both.get(index) ?? 0) + value)
      near(recovery.decode(sum), both, tolerance * (norm(x) + norm(y)), 'the sum of two')
      const scaled = recovery.decode(sum.map((value) => value * 2 ** 40))
      const once = recovery.decode(sum)
      sameBits(scaled.indices, once.indices, 'indices of 2^40 times as much')
      sameBits(
        scaled.values.map((value) => value / 2 ** 40),
        once.values,
        'values of 2^40 times as much',
      )
      const zero = recovery.decode(new Float64Array(recovery.m))
      insist(zero.indices.length === 0, `nothing measured gives ${zero.indices.length} entries`)
    },
  )
  const pure = law(
    {
      name: 'decoding changes nothing',
      kills: [
        'measurements overwritten',
        'a decoder that remembers',
        'answers that are shared',
        'float32 read otherwise',
      ],
      runs: 5,
    },
    input,
    ({ seed, data, count }) => {
      const recovery = make(seed)
      const measured = measure(recovery, entries(n, count, data))
      const kept = measured.slice()
      const once = recovery.decode(measured)
      const copy = { indices: once.indices.slice(), values: once.values.slice() }
      recovery.decodeWide(measured)
      once.values.fill(7)
      const again = recovery.decode(measured)
      sameBits(measured, kept, 'the measurements')
      sameBits(again.indices, copy.indices, 'the same indices again')
      sameBits(again.values, copy.values, 'the same values again')
      const single = Float32Array.from(measured)
      sameBits(recovery.decode(single).values, recovery.decode(Float64Array.from(single)).values, 'float32 and float64')
    },
  )
  const refuses = law(
    {
      name: 'broken measurements are refused',
      kills: ['another length accepted', 'NaN or ±Infinity accepted', 'other classes'],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const recovery = make(1)
      const { m } = recovery
      for (const decode of [recovery.decode, recovery.decodeWide]) {
        for (const length of [0, m - 1, m + 1])
          refusal(() => decode(new Float64Array(length)), RangeError, `${length} numbers`)
        for (const broken of [NaN, Infinity, -Infinity]) {
          const measured = new Float64Array(m)
          measured[m - 1] = broken
          const message = refusal(() => decode(measured), RangeError, String(broken))
          insist(message.includes(String(m - 1)), `the message must name row ${m - 1}, got "${message}"`)
        }
        for (const other of [undefined, null, 7, Array.from({ length: m }, () => 0), new Int32Array(m)]) {
          refusal(() => decode(other as unknown as Float64Array), TypeError, String(other))
        }
      }
    },
  )
  return [sparse, dense, shape, linear, pure, refuses].map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

type Entries = ReadonlyMap<number, number>

/** Computes Φx in float64. */
function measure({ matrix, n }: SparseRecovery, x: Entries): Float64Array {
  const state = sketch(matrix, 1)
  if (x.size > n / 4) {
    const data = new Float32Array(n)
    for (const [index, value] of x) data[index] = value
    state.push({ rows: n, cols: 1, data })
  } else for (const [index, value] of x) state.update(index, value)
  return Float64Array.from(state.state.data)
}

/** Makes numbers below 1, the same for the same seed. */
function uniform(seed: number): () => number {
  let state = ((seed % 2147483647) * 48271 + 11) % 2147483647 || 1
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

/** Makes `count` entries of ±1 to ±4, half of them side by side. */
function entries(n: number, count: number, seed: number): Entries {
  const next = uniform(seed)
  const out = new Map<number, number>()
  for (let i = 0, index = 0; out.size < count; i++) {
    index = i % 2 === 0 ? Math.floor(next() * n) : (index + 1) % n
    out.set(index, Math.fround((next() < 0.5 ? -1 : 1) * (1 + 3 * next())))
  }
  return out
}

/** Makes a vector of these entries, 30 times as large, and noise. */
function noisy(n: number, large: Entries, seed: number): Entries {
  const next = uniform(seed ^ 77)
  const out = new Map<number, number>()
  for (let i = 0; i < n; i++) out.set(i, Math.fround(next() + next() - 1 + 30 * (large.get(i) ?? 0)))
  return out
}

const norm = (x: Entries) => Math.sqrt([...x.values()].reduce((sum, value) => sum + value * value, 0))

/** The norm of x without its k largest entries, by sorting. */
function tail(x: Entries, k: number): number {
  const squares = Float64Array.from(x.values(), (value) => value * value).toSorted()
  return Math.sqrt(squares.subarray(0, Math.max(0, squares.length - k)).reduce((sum, value) => sum + value, 0))
}

function near(found: SparseVector, x: Entries, most: number, what: string): void {
  const guess = new Map(Array.from(found.indices, (index, c) => [index, found.values[c]]))
  let sum = 0
  for (const [index, value] of x) sum += (value - (guess.get(index) ?? 0)) ** 2
  for (const [index, value] of guess) if (!x.has(index)) sum += value ** 2
  insist(Math.sqrt(sum) <= most, `${what}: off by ${Math.sqrt(sum)}, not ${most}`)
}

function wellFormed({ length, indices, values }: SparseVector, n: number, most: number, what: string): void {
  insist(length === n, `${what}: length ${length}, not ${n}`)
  insist(indices.length === values.length, `${what}: ${indices.length} indices, ${values.length} values`)
  insist(indices.length <= most, `${what}: ${indices.length} entries, not at most ${most}`)
  for (let c = 0; c < indices.length; c++) {
    const index = indices[c]
    insist(Number.isInteger(index) && index >= 0 && index < n, `${what}: index ${index} of ${n}`)
    insist(c === 0 || index > indices[c - 1], `${what}: index ${index} after ${indices[c - 1]}`)
    insist(Number.isFinite(values[c]) && values[c] !== 0, `${what}: value ${values[c]} at ${index}`)
  }
}
