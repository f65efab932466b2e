import { checkKeys, checkMatrix, checkOptions, type Matrix } from '@sublinear/core'
import { LARGEST, type Metric } from './metric'

const WHO = 'queryMetric'

export interface QueryMetricOptions {
  /** Queries like those to come, rows × d: those of a pilot, or those seen so far. Either `queries` or `moments` is given. */
  readonly queries?: Matrix | undefined
  /** The mean of q·qᵀ, d × d; the symmetric part counts. */
  readonly moments?: Matrix | undefined
  /** Share of the plain metric of the same trace, 0 to 1: queries to come may ask in directions in which these do not. Default 0.3. */
  readonly plain?: number | undefined
}

/**
 * Makes the metric in which queries see keys: two keys are near where their scores are near for the mean query. M is the mean of q·qᵀ, mixed with a share of
 * the plain metric.
 * Source: not from the papers. The distance √((k − l)ᵀ M (k − l)) is the root mean square difference of the scores of two keys.
 *
 * Guarantee: a function of its arguments, the same on every engine. Its factor is rounded to 8 bits an entry, which changes distances a little, and no score.
 * Cost: rows·d² operations, and d³/6, in float64.
 *
 * @param queries  rows × d, at least one; or moments, d × d; plain  share of the plain metric, 0 to 1 (default 0.3)
 * @returns d·(d + 1)/2 integers, for `metric` of tiers and of a stack
 * @throws TypeError, RangeError when a shape is wrong, an entry is not finite, all queries are 0, or the metric is not positive definite
 * @example queryMetric({ queries: matrix(2, 2, new Float32Array([2, 0, 0, 1])), plain: 0 }) // [ 127, 0, 64 ]
 */
export function queryMetric(options: QueryMetricOptions): Metric {
  checkOptions(WHO, options, ['queries', 'moments', 'plain'])
  const { queries, moments: given, plain = 0.3 } = options
  if ((queries === undefined) === (given === undefined))
    throw new TypeError(`${WHO}: queries or moments must be given, and not both`)
  if (!(plain >= 0 && plain <= 1)) throw new RangeError(`${WHO}: plain must be from 0 to 1, got ${plain}`)
  const moments = queries ? momentsOf(queries) : momentsIn(given!)
  const d = (queries ?? given!).cols
  let trace = 0
  for (let i = 0; i < d; i++) trace += moments[i * d + i]
  if (!(trace > 0)) throw new RangeError(`${WHO}: the trace of the moments must be above 0, got ${trace}`)
  for (let i = 0; i < d * d; i++) moments[i] *= 1 - plain
  for (let i = 0; i < d; i++) moments[i * d + i] += (plain * trace) / d
  return rounded(factor(moments, d), d)
}

/** The mean of q·qᵀ, d × d. */
function momentsOf(queries: Matrix): Float64Array {
  checkKeys(WHO, 'queries', queries)
  const { rows, cols: d, data } = queries
  const moments = new Float64Array(d * d)
  for (let at = 0; at < rows * d; at += d)
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) moments[i * d + j] += (data[at + i] * data[at + j]) / rows
  return moments
}

/** The symmetric part of moments that were given: a quadratic form has no other. */
function momentsIn(given: Matrix): Float64Array {
  checkMatrix(WHO, 'moments', given, given?.rows)
  const { rows: d, data } = given
  return Float64Array.from(data, (one, at) => (one + data[(at % d) * d + Math.floor(at / d)]) / 2)
}

/** C of C·Cᵀ, lower, by Cholesky; d × d. */
function factor(moments: Float64Array, d: number): Float64Array {
  const lower = new Float64Array(d * d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      let sum = moments[i * d + j]
      for (let k = 0; k < j; k++) sum -= lower[i * d + k] * lower[j * d + k]
      if (i === j && !(sum > 0))
        throw new RangeError(`${WHO}: the metric must be positive definite, give a larger share plain`)
      lower[i * d + j] = i === j ? Math.sqrt(sum) : sum / lower[j * d + j]
    }
  return lower
}

/** The lower triangle in 8 bits an entry; the diagonal stays above 0. */
function rounded(lower: Float64Array, d: number): Metric {
  const most = lower.reduce((largest, entry) => Math.max(largest, Math.abs(entry)), 0)
  return Array.from(lower, (entry, at) => {
    const whole = Math.round((entry / most) * LARGEST) + 0 // no −0
    return at % (d + 1) === 0 ? Math.max(1, whole) : whole
  }).filter((_, at) => at % d <= at / d)
}
