import { rowsOf, type Matrix, type Shape } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import type { BoardErrors, OverQueries } from './board'
import { queryInterval } from './query-interval'

/** The tokens of a head that a board runs over: `prefix` of them, then those whose queries are judged. */
export interface Part {
  readonly shape: Shape
  readonly prefix: number
  readonly groups: number
  readonly queries: Matrix // groups·n × d
  readonly keys: Matrix // n × d
  readonly values: Matrix // n × dv
}

/** Exact answers of the judged queries, and distances from them. */
export interface Truth {
  readonly exact: Matrix // groups·(n − prefix) × dv
  /** Errors of answers in the shape of `exact`. */
  errors(answers: Float32Array): BoardErrors
  /** Interval of their relative error, see `queryInterval`. */
  interval(answers: Float32Array): readonly [low: number, high: number] | undefined
  /** The answers of uniform attention: the mean of the values up to each query. */
  uniform(values: Matrix): Float32Array
}

/** Computes exact causal attention of the tokens after the prefix, a block at a time, with the norms that the units need. */
export function truthOf({ shape, prefix, groups, queries, keys, values }: Part, block: number): Truth {
  const { d, dv, scale, softcap } = shape
  const rows = queries.rows - prefix * groups
  const exact = new Float32Array(rows * dv)
  const lengths = new Float64Array(rows) // ‖softmax‖₂ over the tokens
  const stream = exactStream(shape)
  // Σe^{2s} is the mass of the same softmax at doubled scores, caps doubled with them; a sink has no value and is no part of it.
  const doubled = exactStream({ d, dv: 1, scale, ...(softcap !== undefined && { softcap: 2 * softcap }) })
  stream.push({ keys: rowsOf(keys, 0, prefix), values: rowsOf(values, 0, prefix) })
  doubled.push({ keys: rowsOf(keys, 0, prefix), values: ones(prefix) })
  for (let from = prefix; from < keys.rows; from += block) {
    const to = Math.min(keys.rows, from + block)
    const asked = rowsOf(queries, from * groups, to * groups)
    const own = rowsOf(keys, from, to)
    const partial = stream.step({ keys: own, values: rowsOf(values, from, to) }, asked)
    const squares = doubled.step(
      { keys: own, values: ones(to - from) },
      { ...asked, data: asked.data.map((x) => 2 * x) },
    )
    const at = (from - prefix) * groups
    exact.set(normalise(partial).data, at * dv)
    for (let r = 0; r < asked.rows; r++) {
      const log = Math.log(squares.mass[r]) + squares.max[r] - 2 * (Math.log(partial.mass[r]) + partial.max[r])
      lengths[at + r] = Math.exp(log / 2)
    }
  }
  for (const used of [stream, doubled]) used[Symbol.dispose]()
  const { frobenius, largest } = valueNorms(values, prefix)
  const token = (r: number) => Math.floor(r / groups)
  return {
    exact: { rows, cols: dv, data: exact },
    errors(answers) {
      let [distance, norm] = [0, 0]
      const [softmax, value] = [overQueries(rows), overQueries(rows)]
      for (let r = 0; r < rows; r++) {
        let [squared, length] = [0, 0]
        for (let i = r * dv; i < (r + 1) * dv; i++) {
          squared += (answers[i] - exact[i]) ** 2
          length += exact[i] ** 2
        }
        distance += squared
        norm += length
        softmax.add(ratio(Math.sqrt(squared), lengths[r] * frobenius[token(r)]))
        value.add(ratio(Math.sqrt(squared), largest[token(r)]))
      }
      return { relative: ratio(Math.sqrt(distance), Math.sqrt(norm)), softmax: softmax.read(), value: value.read() }
    },
    interval(answers) {
      const [distances, squares] = [new Float64Array(rows), new Float64Array(rows)]
      for (let i = 0; i < exact.length; i++) {
        const r = Math.floor(i / dv)
        distances[r] += (answers[i] - exact[i]) ** 2
        squares[r] += exact[i] ** 2
      }
      return queryInterval(distances, squares)
    },
    uniform(own) {
      const out = new Float32Array(rows * dv)
      const total = new Float64Array(dv)
      for (let t = 0; t < own.rows; t++) {
        for (let c = 0; c < dv; c++) total[c] += own.data[t * dv + c]
        if (t < prefix) continue
        const mean = total.map((x) => x / (t + 1))
        for (let g = 0; g < groups; g++) out.set(mean, ((t - prefix) * groups + g) * dv)
      }
      return out
    },
  }
}

/** Computes ‖V‖_F and max ‖v‖₂ of the values that each token after the prefix sees. */
function valueNorms({ rows, cols, data }: Matrix, prefix: number) {
  const [frobenius, largest] = [new Float64Array(rows - prefix), new Float64Array(rows - prefix)]
  let [total, most] = [0, 0]
  for (let t = 0; t < rows; t++) {
    let squared = 0
    for (let i = t * cols; i < (t + 1) * cols; i++) squared += data[i] ** 2
    total += squared
    most = Math.max(most, squared)
    if (t < prefix) continue
    frobenius[t - prefix] = Math.sqrt(total)
    largest[t - prefix] = Math.sqrt(most)
  }
  return { frobenius, largest }
}

function ones(rows: number): Matrix {
  return { rows, cols: 1, data: new Float32Array(rows).fill(1) }
}

/** A ratio of an error to its unit; 0 over 0 is 0, since nothing is off where all values are 0. */
function ratio(part: number, whole: number): number {
  return part === 0 ? 0 : part / whole
}

function overQueries(count: number) {
  let [total, worst] = [0, 0]
  return {
    add(x: number) {
      total += x
      worst = Math.max(worst, x)
    },
    read: (): OverQueries => ({ mean: total / count, worst }),
  }
}
