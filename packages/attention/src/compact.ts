import {
  checkBlock,
  checkInteger,
  checkKeys,
  checkOptions,
  checkScale,
  checkSeed,
  pickedRows,
  pickedTokens,
  type KvBlock,
  type Matrix,
  type Seed,
} from '@sublinear/core'
import { addedValues, answering, fittedMasses, gramOf, type Wanted } from './fitted-set'
import { nystromSet, type ChosenSet } from './nystrom-set'

const WHO = 'compact'
/** Tokens with their weights. */
export type WeightedTokens = KvBlock & { readonly weights: Float32Array }

/** One question in `JUDGED` is kept from the fit, to judge it. */
const JUDGED = 4
/** Ridges that are tried, the strongest first. */
const RIDGES = [1, 0.1, 0.01, 0.001]

export interface CompactOptions extends KvBlock {
  /** Chooses what tokens are picked and fitted by: 'questions' (default), or the keys alone, 'nystrom'. */
  readonly by?: 'questions' | 'nystrom' | undefined
  /** Questions like those to come, rows × d: some hundred of the prefix's own, or others about it. Needed by 'questions' alone. */
  readonly queries?: Matrix | undefined
  /** Seed of the choice by 'nystrom', an integer ≥ 0. Default 0. */
  readonly seed?: Seed | undefined
  /** Factor of the scores inside exp. */
  readonly scale: number
  /** Number of tokens to keep, ≥ 1. */
  readonly count: number
}

/**
 * Compacts a prefix that is known as a whole to a few weighted tokens. It keeps those to which questions like the ones to come give most attention, and refits their masses and
 * values so that answers stay what they were. Any stream takes these tokens, with their weights, and goes on from there.
 * Source: Attention Matching (arXiv 2602.16284): keys by attention received, masses by nonnegative least squares, values by least squares; or, by 'nystrom',
 *   WildCat (arXiv 2602.10056), which needs no questions. Deviation: the
 *   fits are held to the tokens' own weights and values, and every fourth question judges whether masses, and how far values, are fitted at all.
 *
 * Guarantee: with room for all tokens, those tokens as they are. None on other questions: keys that none of `queries` looks at are lost, so heads that look for one old
 *   token do better with far keys (measured in `evidence/kinds`).
 * Cost: the scores of all questions and tokens in float64; queries² · count operations twice; by 'nystrom', tokens · min(count, 256)² operations. It is no stream: it is for a prefix that is read once and asked often.
 *
 * @param keys, values, weights  the prefix; by  'questions' (default) or 'nystrom'; queries  rows × d, at least 4 of them, for 'questions'; scale  factor of the
 *   scores; count  tokens that stay; seed  of 'nystrom' (default 0)
 * @returns at most `count` tokens, in their order, with weights
 * @throws TypeError, RangeError when shapes do not fit, an entry is not finite, or an option is out of range
 * @example
 * const rows = matrix(64, 2, Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i)))
 * const few = compact({ queries: rows, keys: rows, values: rows, scale: 1, count: 8 })
 * console.log(few.keys.rows, few.weights.length) // 8 8
 */
export function compact(options: CompactOptions): WeightedTokens {
  checkOptions(WHO, options, ['by', 'queries', 'keys', 'values', 'weights', 'scale', 'count', 'seed'])
  const { by = 'questions', queries, keys, values, weights, scale, count, seed } = options
  if (by !== 'questions' && by !== 'nystrom')
    throw new RangeError(`${WHO}: by must be 'questions' or 'nystrom', got ${JSON.stringify(by)}`)
  checkKeys(WHO, 'keys', keys)
  checkBlock(WHO, options, keys.cols, values?.cols)
  if (by === 'questions' || queries) {
    checkKeys(WHO, 'queries', queries!, keys.cols)
    checkInteger(WHO, 'queries.rows', queries!.rows, JUDGED)
  }
  const drawn = checkSeed(WHO, seed ?? 0)
  checkScale(WHO, scale)
  checkInteger(WHO, 'count', count, 1)
  const own = weights ?? new Float32Array(keys.rows).fill(1)
  const picked = (some: readonly number[]): WeightedTokens => {
    const counts = Float32Array.from(some, (t) => own[t])
    return { ...pickedTokens({ keys, values }, some, counts), weights: counts }
  }
  if (keys.rows <= count) return picked([...own.keys()])
  const prefix = { keys, values, weights: own }
  const { chosen, ...fit } =
    by === 'nystrom' ? nystromSet(prefix, scale, count, drawn) : fittedSet(prefix, queries!, scale, count)
  const out = picked(chosen)
  out.weights.set(fit.masses)
  out.values.data.set(fit.values)
  return out
}

/** Chooses the tokens to which the questions give most attention, and fits their masses and values to the answers. */
function fittedSet(prefix: WeightedTokens, queries: Matrix, scale: number, count: number): ChosenSet {
  const { keys, values, weights } = prefix
  const attention = attentionOf(queries, keys, weights, scale)
  const chosen = mostAttended(attention, keys.rows, count)
  const wanted = wantedOf(attention, queries.rows, prefix, chosen)
  const masses = Float64Array.from(chosen, (t) => weights[t])
  return { chosen, ...bestFit(wanted, masses, Float64Array.from(pickedRows(values, chosen).data)) }
}

/** Computes the softmax of the scores: queries × tokens. */
function attentionOf(queries: Matrix, keys: Matrix, own: Float32Array, scale: number): Float64Array {
  const [n, d] = [keys.rows, keys.cols]
  const out = new Float64Array(queries.rows * n)
  for (let r = 0, at = 0; r < queries.rows; r++, at += n) {
    let most = -Infinity
    for (let t = 0, i = 0; t < n; t++) {
      let score = 0
      for (let c = 0, q = r * d; c < d; c++) score += queries.data[q++] * keys.data[i++]
      out[at + t] = scale * score
      if (out[at + t] > most) most = out[at + t]
    }
    let mass = 0
    for (let t = 0; t < n; t++) mass += out[at + t] = own[t] * Math.exp(out[at + t] - most)
    for (let t = 0; t < n; t++) out[at + t] /= mass
  }
  return out
}

/** Picks the tokens for which the sum of squared attention is largest, in their order; of two equal ones the older. */
function mostAttended(attention: Float64Array, n: number, count: number): number[] {
  const received = new Float64Array(n)
  for (let i = 0; i < attention.length; i++) received[i % n] += attention[i] ** 2
  const order = Array.from(received.keys()).toSorted((a, b) => received[b] - received[a] || a - b)
  return order.slice(0, count).toSorted((a, b) => a - b)
}

/** Computes the shares of the chosen tokens and the exact answers, for every question. */
function wantedOf(
  attention: Float64Array,
  rows: number,
  { keys: { rows: n }, values, weights }: WeightedTokens,
  chosen: readonly number[],
): Wanted {
  const [count, dv] = [chosen.length, values.cols]
  const shares = new Float64Array(rows * count)
  const answers = new Float64Array(rows * dv)
  for (let r = 0; r < rows; r++) {
    for (const [j, t] of chosen.entries()) shares[r * count + j] = attention[r * n + t] / weights[t]
    for (let t = 0; t < n; t++) {
      const weight = attention[r * n + t]
      for (let c = 0; c < dv; c++) answers[r * dv + c] += weight * values.data[t * dv + c]
    }
  }
  return { rows, count, dv, shares, answers }
}

interface Fit {
  readonly masses: Float64Array
  readonly values: Float64Array
}

/** Chooses the fit that answers the kept questions best, and makes it again with all questions. */
function bestFit(wanted: Wanted, own: Float64Array, values: Float64Array): Fit {
  const [seen, judged] = [partOf(wanted, (r) => r % JUDGED !== 0), partOf(wanted, (r) => r % JUDGED === 0)]
  let best = { error: Infinity, isFitted: false, ridge: Infinity }
  for (const isFitted of [false, true]) {
    const fit = fitting(seen, isFitted ? fittedMasses(seen, own) : own, values)
    for (const ridge of [Infinity, ...RIDGES]) {
      const error = errorOf(judged, fit(ridge))
      if (error < best.error) best = { error, isFitted, ridge }
    }
  }
  return fitting(wanted, best.isFitted ? fittedMasses(wanted, own) : own, values)(best.ridge)
}

/** Makes a function that fits the values for given masses by a ridge; the ridge Infinity leaves them as they are. */
function fitting(wanted: Wanted, masses: Float64Array, values: Float64Array): (ridge: number) => Fit {
  const { rows, count } = wanted
  const weights = answering(wanted, masses)
  const missing = missingOf(wanted, weights, values)
  let gram: Float64Array | undefined
  return (ridge) => {
    if (ridge === Infinity) return { masses, values }
    gram ??= gramOf(weights, rows, count)
    const added = addedValues(wanted, weights, missing, gram, ridge)
    return { masses, values: values.map((value, i) => value + added[i]) }
  }
}

const errorOf = (wanted: Wanted, { masses, values }: Fit): number =>
  missingOf(wanted, answering(wanted, masses), values).reduce((sum, one) => sum + one ** 2, 0)

/** Subtracts the answers that these weights and values give from the exact ones: rows × dv. */
function missingOf({ rows, count, dv, answers }: Wanted, weights: Float64Array, values: Float64Array): Float64Array {
  const out = answers.slice()
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) {
      const weight = weights[r * count + j]
      if (weight === 0) continue
      for (let c = 0; c < dv; c++) out[r * dv + c] -= weight * values[j * dv + c]
    }
  }
  return out
}

/** Takes the questions of some rows. */
function partOf({ rows, count, dv, shares, answers }: Wanted, has: (row: number) => boolean): Wanted {
  const some = Array.from({ length: rows }, (_, r) => r).filter(has)
  const cut = (data: Float64Array, cols: number) => {
    const out = new Float64Array(some.length * cols)
    for (const [i, r] of some.entries()) out.set(data.subarray(r * cols, (r + 1) * cols), i * cols)
    return out
  }
  return { rows: some.length, count, dv, shares: cut(shares, count), answers: cut(answers, dv) }
}
