import { rowsOf } from '@sublinear/core'
import { exactAttention, type Matrix } from '@sublinear/attention'
import type { Head } from '../kit/captures.ts'

/** Error of a closure and what can be proved of it: a closure behind far keys, over the rows that ask, in units of ‖o‖_F. */
export interface Certified {
  readonly head: string
  /** Error of its answers. */
  readonly error: number
  /** The half-width of the interval that mean, covariance and range of the rest leave, which no other proof from these could make smaller. */
  readonly certified: number
  /** The half-width that the range of all values leaves by itself. */
  readonly range: number
}

/** Far keys of these, and a closure of the rest. */
const [FAR, FIRST] = [256, 64]

/**
 * The certificate of a closure: with X = s⟨q, k − μ⟩ of mean 0, variance σ² and X ≤ b the mean of e^X over the rest is at most U = (b²·e^{−σ²/b} + σ²·e^b)/(b² + σ²), and two
 * points reach it. Since e^X = 1 + X + r with r ≥ 0, the mean of e^X·(v − a) lies in (v̄ − a) + s·Cq + [lo − a, hi − a]·(U − 1).
 */
export function certified({ name, keys, values }: Head, tokens: number, queries: Matrix): Certified {
  const [{ cols: d }, { cols: dv }] = [keys, values]
  const scale = 1 / Math.sqrt(d)
  const own = { keys: rowsOf(keys, 0, tokens), values: rowsOf(values, 0, tokens) }
  const exact = exactAttention({ queries, ...own, scale })
  const centre = meanOf(own.keys, d, range(FIRST))
  const distance = (t: number) => centre.reduce((sum, x, c) => sum + (keys.data[t * d + c] - x) ** 2, 0)
  const order = range(tokens).toSorted((a, b) => distance(b) - distance(a))
  const [far, rest] = [order.slice(0, FAR), order.slice(FAR)]
  const [mu, mean] = [meanOf(own.keys, d, rest), meanOf(own.values, dv, rest)]
  const [valueEnds, keyEnds] = [boundsOf(values, dv, rest), boundsOf(keys, d, rest)]
  const reach = Math.max(...rest.map((t) => Math.hypot(...Array.from(mu, (x, c) => keys.data[t * d + c] - x))))
  let [errors, widths, ranges, norms] = [0, 0, 0, 0]
  for (let r = 0; r < queries.rows; r++) {
    const q = Array.from(queries.data.subarray(r * d, (r + 1) * d), (x) => scale * x)
    const score = (t: number) => q.reduce((sum, x, c) => sum + x * (keys.data[t * d + c] - mu[c]), 0)
    const x = rest.map(score)
    const square = x.reduce((sum, one) => sum + one * one, 0) / x.length
    const box = q.reduce(
      (sum, one, c) => sum + Math.max(one * (keyEnds.most[c] - mu[c]), one * (keyEnds.least[c] - mu[c])),
      0,
    )
    const b = Math.min(box, Math.hypot(...q) * reach)
    const most = (b * b * Math.exp(-square / b) + square * Math.exp(b)) / (b * b + square)
    const weights = far.map((t) => Math.exp(score(t)))
    const held = weights.reduce((sum, w) => sum + w, 0)
    const mass = held + rest.length * Math.exp(square / 2)
    for (let c = 0; c < dv; c++) {
      const tilt = x.reduce((sum, one, i) => sum + one * (values.data[rest[i] * dv + c] - mean[c]), 0) / x.length
      const value = Math.min(valueEnds.most[c], Math.max(valueEnds.least[c], mean[c] + tilt))
      const sum = far.reduce((all, t, i) => all + weights[i] * values.data[t * dv + c], 0)
      const a = (sum + (mass - held) * value) / mass
      const known = sum - held * a + rest.length * (mean[c] - a + tilt)
      const ends = [valueEnds.least[c], valueEnds.most[c]].map((end) => known + rest.length * (end - a) * (most - 1))
      const whole = Math.max(valueEnds.most[c] - a, a - valueEnds.least[c])
      errors += (a - exact.data[r * dv + c]) ** 2
      widths += Math.min(whole, Math.max(...ends.map(Math.abs)) / (held + rest.length)) ** 2
      ranges += whole ** 2
      norms += exact.data[r * dv + c] ** 2
    }
  }
  const [error, width, all] = [errors, widths, ranges].map((one) => Math.sqrt(one / norms))
  return { head: name, error, certified: width, range: all }
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

function meanOf({ data }: Matrix, cols: number, rows: readonly number[]): Float64Array {
  const out = new Float64Array(cols)
  for (const t of rows) for (let c = 0; c < cols; c++) out[c] += data[t * cols + c] / rows.length
  return out
}

function boundsOf({ data }: Matrix, cols: number, rows: readonly number[]) {
  const column = (c: number) => rows.map((t) => data[t * cols + c])
  const of = (pick: (all: number[]) => number) => range(cols).map((c) => pick(column(c)))
  return { least: of((all) => Math.min(...all)), most: of((all) => Math.max(...all)) }
}
