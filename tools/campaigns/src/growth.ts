import {
  closureStream,
  exactStream,
  featureStream,
  matrix,
  meanStream,
  normalise,
  taylorFeatures,
} from '@sublinear/attention'
import { decodeSnapshot, type AttentionStream, type KvBlock } from '@sublinear/core'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { boundedGrowth } from '../../../packages/streaming-attention/src/bounded-scores.ts'
import { moments, type Moments } from './growth-moments.ts'

const [MOST, LEAST] = [1e7, 1e3]
const shape = { d: 2, dv: 2, scale: 1 }
const { d, dv, scale } = shape
const WINDOW = 4096
/** Tokens of a push: no power of two, so that blocks end everywhere. */
const BLOCK = 5000
const queries = matrix(3, d, Float32Array.of(0.5, -0.4, -1, 0.7, 1.5, 1))

/** A number from 0 to 1 for each place, far from those of its neighbours. */
const scattered = (i: number, step: number) => (i * step) % 1
const [A, B] = [0.618033988749895, 0.7548776662466927]

/** Entries of the token at a place of a stream of n: both keys, then both values. */
const KINDS: Readonly<Record<string, (i: number, n: number) => readonly [number, number, number, number]>> = {
  constant: () => [0.3, -0.2, 0.1, 0.7],
  slow: (i, n) => [0.3 + (0.5 * i) / n, -0.2 + 0.02 * scattered(i, A), 0.1 + (0.5 * i) / n, 0.7 - (0.2 * i) / n],
  scattered(i) {
    const [x, y] = [2 * scattered(i, A) - 1, 2 * scattered(i, B) - 1]
    return [x, y, 0.5 * x + 0.2 * y + 0.3, y * y]
  },
}

/** Largest error of a stream's answers at a number of tokens, over the largest answer. */
export interface GrowthRow {
  readonly stream: string
  readonly tokens: string
  readonly n: number
  readonly error: number
}

export interface Growth {
  readonly cpu: string
  readonly load: number
  /** CPU seconds in all. */
  readonly seconds: number
  readonly rows: readonly GrowthRow[]
}

/** Tokens from place `first` up to `end` of a kind. */
function block(kind: string, first: number, end: number, n: number): KvBlock {
  const [keys, values] = [matrix(end - first, d), matrix(end - first, dv)]
  for (let i = first; i < end; i++) {
    const token = KINDS[kind](i, n)
    keys.data.set(token.slice(0, d), (i - first) * d)
    values.data.set(token.slice(d), (i - first) * dv)
  }
  return { keys, values }
}

/** A partial softmax of one query in float64, without a maximum: scores here are small. Each block has a sum of its own, so that no digits are lost. */
interface Sums {
  mass: number
  readonly sum: number[]
}
type Share = (score: number) => number

/** The polynomial that the features of degree 2 stand for. */
const taylor: Share = (score) => 1 + score + (score * score) / 2

const scoreOf = (r: number, key: ArrayLike<number>, at = 0) =>
  scale * (queries.data[r * d] * key[at] + queries.data[r * d + 1] * key[at + 1])

function addTo(into: readonly Sums[], { keys, values }: KvBlock, share: Share): void {
  for (const [r, total] of into.entries()) {
    let [mass, first, second] = [0, 0, 0]
    for (let j = 0; j < keys.rows; j++) {
      const own = share(scoreOf(r, keys.data, j * d))
      mass += own
      first += own * values.data[j * dv]
      second += own * values.data[j * dv + 1]
    }
    total.mass += mass
    total.sum[0] += first
    total.sum[1] += second
  }
}
const empty = () => Array.from({ length: queries.rows }, (): Sums => ({ mass: 0, sum: [0, 0] }))
const answersOf = (all: readonly Sums[]) => all.flatMap(({ mass, sum }) => sum.map((x) => x / mass))

/** The answer of a closure whose moments are known in float64: the formulas of `gaussianClosure`, its growth included. */
function closureSums({ weight, mean, low, high, spread }: Moments): Sums[] {
  return Array.from({ length: queries.rows }, (_, r) => {
    const q = [scale * queries.data[r * d], scale * queries.data[r * d + 1]]
    const moved = Array.from({ length: d + dv }, (_, c) => q[0] * spread(0, c) + q[1] * spread(1, c))
    const variance = q[0] * moved[0] + q[1] * moved[1]
    let [alone, reached] = [0, 0]
    for (let i = 0; i < d; i++) {
      alone += q[i] * q[i] * spread(i, i)
      reached += (q[i] * ((q[i] > 0 ? high[i] : low[i]) - mean[i])) ** 2
    }
    const reach = alone > 0 ? Math.sqrt(reached / alone) : 0
    const { rise, tilt } = boundedGrowth(Math.sqrt(Math.max(0, variance)), reach, Math.log(weight))
    const mass = weight * Math.exp(q[0] * mean[0] + q[1] * mean[1] + rise)
    return { mass, sum: [0, 1].map((c) => mass * (mean[d + c] + tilt * moved[d + c])) }
  })
}

/** The answer of a mean token of this weight. */
function meanSums({ weight, mean }: Moments): Sums[] {
  return Array.from({ length: queries.rows }, (_, r) => {
    const mass = weight * Math.exp(scoreOf(r, mean))
    return { mass, sum: [mass * mean[d], mass * mean[d + 1]] }
  })
}

function largestError(stream: AttentionStream, want: readonly number[]): number {
  const got = normalise(stream.attend(queries)).data
  const size = Math.max(...want.map(Math.abs))
  return Math.max(...want.map((x, i) => Math.abs(got[i] - x) / size))
}

/** Tokens that wait to be folded, from the stream's snapshot. */
function waiting(stream: AttentionStream): number {
  return decodeSnapshot(stream.toBytes()).tensors.get('keys')!.data.length / d
}

/** Errors of all streams at 1000, 10,000 … tokens, up to the given number. */
export function growth(most: number): GrowthRow[] {
  const rows: GrowthRow[] = []
  for (const kind of Object.keys(KINDS)) {
    const streams = {
      exact: exactStream(shape),
      window: exactStream({ ...shape, window: WINDOW }),
      feature: featureStream({ features: taylorFeatures({ d, degree: 2, scale }), dv }),
      closure: closureStream(shape),
      mean: meanStream(shape),
    }
    const [softmax, polynomial] = [empty(), empty()]
    const known = moments(d + dv)
    let n = 0
    for (let end = LEAST; end <= most; end *= 10) {
      while (n < end) {
        const tokens = block(kind, n, Math.min(end, n + BLOCK), most)
        for (const stream of Object.values(streams)) stream.push(tokens)
        addTo(softmax, tokens, Math.exp)
        addTo(polynomial, tokens, taylor)
        known.add(tokens)
        n += tokens.keys.rows
      }
      const near = empty()
      addTo(near, block(kind, Math.max(0, n - WINDOW), n, most), Math.exp)
      /** Answers of what a stream has folded, and the softmax of the tokens that wait. */
      const folded = (stream: AttentionStream, answer: (newest: KvBlock) => Sums[]) => {
        const newest = block(kind, n - waiting(stream), n, most)
        const all = answer(newest)
        addTo(all, newest, Math.exp)
        return all
      }
      const truths = {
        exact: softmax,
        window: near,
        feature: folded(streams.feature, (newest) => {
          const all = polynomial.map(({ mass, sum }) => ({ mass, sum: [...sum] }))
          addTo(all, newest, (score) => -taylor(score))
          return all
        }),
        closure: folded(streams.closure, (newest) => closureSums(known.without(newest))),
        mean: folded(streams.mean, (newest) => meanSums(known.without(newest))),
      }
      for (const [name, stream] of Object.entries(streams)) {
        const error = largestError(stream, answersOf(truths[name as keyof typeof truths]))
        rows.push({ stream: name, tokens: kind, n, error })
      }
    }
    for (const stream of Object.values(streams)) stream[Symbol.dispose]()
  }
  return rows
}

/** Measures the growth, prints it, and writes it to a file where one is named. */
export function main([most = String(MOST), out]: readonly string[]): void {
  const before = process.cpuUsage()
  const rows = growth(Number(most))
  const { user, system } = process.cpuUsage(before)
  const result: Growth = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    load: Math.round(loadavg()[0] * 10) / 10,
    seconds: Math.round((user + system) / 1e6),
    rows,
  }
  for (const row of rows) console.log(`${row.stream}, ${row.tokens}, ${row.n}: ${row.error.toExponential(1)}`)
  if (out) writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`)
}
