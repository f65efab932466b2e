import { matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { boxed } from './boxed'
import type { GaussianModel } from './gaussian-model'
import type { Sample } from './pilot'
import { permuted, signed } from './shuffled'

/** A mean square over queries as a function of the number of independent tokens. */
export type ErrorLaw = (n: number) => number

/**
 * Shares that a summary of the tokens `chosen` gives each of them in each answer, queries × chosen, a row adding up to 1. A summary's
 * answers are these shares of the values: softmax's own, or features', or the closure's. `counts`: how many tokens each stands for; 1 where absent.
 */
export interface Shares {
  (chosen: Uint32Array, counts?: Float64Array): Float64Array
  /** Answers are kept within the box of the values. */
  readonly boxed?: boolean
}

/** Cuts of a sample in two. */
const SPLITS = 4
/** Times that chance is asked what it would show. */
const SHUFFLES = 16
/** Standard errors by which a limit must stand out from chance. */
const SIGNIFICANT = 3
/** In the model, where there is no noise to hide a limit: the least share of halves' squares that is one. */
const LEAST_LIMIT = 0.2
/** The share of the pilot's queries, those of mildest scores, that is measured: of the others there are too few to be typical. */
const BULK = 0.95

/**
 * ‖(shares less exact shares)·values‖² as the pilot's own tokens show it, without the queries of widest scores: limit + sampling/n.
 *
 * Over two disjoint halves A and B, ⟨a(A), a(B)⟩ estimates ‖E a‖² without bias: the limit. One that does not stand out from what the same
 * tokens show when shuffled values take away whatever there is to find is taken for 0: the pilot cannot see it. What ‖a(A)‖² is above the limit falls as 1/n.
 *
 * @param exact  absent for the outputs themselves
 */
export function measuredLaw(sample: Sample, approximate: Shares, exact?: Shares): ErrorLaw {
  const { values, spreads } = sample
  const order = Array.from(spreads.keys()).toSorted((a, b) => spreads[a]! - spreads[b]!)
  const bulk = order.slice(0, Math.ceil(BULK * order.length))
  const cuts = Array.from({ length: SPLITS }, (_, split) =>
    halves(values.rows, split).map((chosen) => ({ chosen, own: approximate(chosen), other: exact?.(chosen) })),
  )
  const measure = (own: Matrix, splits: number) => {
    let [cross, square] = [0, 0]
    for (const [a, b] of cuts
      .slice(0, splits)
      .map((pair) => pair.map((cut) => off(approximate, cut, rowsAt(own, cut.chosen))) as [Matrix, Matrix])) {
      for (const r of bulk) {
        for (let i = r * a.cols; i < (r + 1) * a.cols; i++) {
          cross += (a.data[i]! * b.data[i]!) / splits / bulk.length
          square += (a.data[i]! ** 2 + b.data[i]! ** 2) / 2 / splits / bulk.length
        }
      }
    }
    return { cross, square }
  }
  const { cross, square } = measure(values, SPLITS)
  const shuffled = (exact ? permuted : signed)(values)
  const chance = Array.from({ length: SHUFFLES }, (_, round) => measure(shuffled(round), 1).cross)
  const mean = chance.reduce((a, b) => a + b, 0) / SHUFFLES
  const deviation = Math.sqrt(chance.reduce((a, b) => a + (b - mean) ** 2, 0) / (SHUFFLES - 1))
  const limit = cross - mean > SIGNIFICANT * deviation ? cross : 0
  const sampling = Math.max(0, square - limit) * Math.floor(values.rows / 2)
  return (n) => limit + sampling / n
}

/**
 * The same in the Gaussian model: ‖Σ(shares less exact)·values‖² over the population, plus 1/n of the variance of one token's part in the
 * answer, plus what the noise in the values adds to that.
 */
export function modelledLaw(model: GaussianModel, approximate: Shares, exact?: Shares): ErrorLaw {
  const most = model.tokens
  const { sample, tokenShares, queryShares, residual } = model
  const { values } = sample
  const { rows, cols } = values
  const all = Uint32Array.from({ length: rows }, (_, i) => i)
  const [own, other] = [approximate, exact].map((shares) => shares?.(all, tokenShares))
  const answers = times(own!, values)
  const truth = other && times(other, values)
  /** What one of the tokens has in an answer, times their number: at most that, since no share exceeds 1. */
  const density = (x: number) => x / (1 + Math.abs(x) / most)
  let [sampling, noise] = [0, 0]
  for (const [r, share] of queryShares.entries()) {
    if (share === 0) continue
    for (let j = 0; j < rows; j++) {
      const count = tokenShares[j]!
      if (count === 0) continue
      const a = density(own![r * rows + j]! / count)
      const b = other ? density(other[r * rows + j]! / count) : 0
      let square = 0
      for (let c = 0; c < cols; c++) {
        const value = values.data[j * cols + c]!
        const part = a * (value - answers.data[r * cols + c]!) - (truth ? b * (value - truth.data[r * cols + c]!) : 0)
        square += part * part
      }
      sampling += share * count * square
      noise += share * count * (a - b) ** 2
    }
  }
  let [cross, square] = [0, 0]
  for (let split = 0; split < SPLITS; split++) {
    const [a, b] = halves(rows, split).map((chosen) => {
      const counts = Float64Array.from(chosen, (j) => tokenShares[j]!)
      const cut = { own: approximate(chosen, counts), other: exact?.(chosen, counts) }
      return off(approximate, cut, rowsAt(values, chosen))
    }) as [Matrix, Matrix]
    for (const [r, share] of queryShares.entries()) {
      for (let i = r * cols; i < (r + 1) * cols; i++) {
        cross += (share * a.data[i]! * b.data[i]!) / SPLITS
        square += (share * (a.data[i]! ** 2 + b.data[i]! ** 2)) / 2 / SPLITS
      }
    }
  }
  const limit = cross > LEAST_LIMIT * square ? cross : 0
  return (n) => limit + (sampling + residual * noise) / n
}

/** Two disjoint halves of 0 … m − 1: rows apart by 1, 2, 4, … rows. */
function halves(m: number, split: number): [Uint32Array, Uint32Array] {
  const side = (wanted: number) =>
    Uint32Array.from(Array.from({ length: m }, (_, i) => i).filter((i) => ((i >> split) & 1) === wanted))
  return [side(0), side(1)]
}

/** The rows `chosen`. */
function rowsAt(source: Matrix, chosen: Uint32Array): Matrix {
  const { cols } = source
  const out = matrix(chosen.length, cols)
  for (const [to, from] of chosen.entries()) {
    out.data.set(source.data.subarray(from * cols, (from + 1) * cols), to * cols)
  }
  return out
}

/** Answers by one's own shares less those by the other's. */
function off(
  { boxed: isBoxed }: Shares,
  { own, other }: { readonly own: Float64Array; readonly other: Float64Array | undefined },
  values: Matrix,
): Matrix {
  if (!isBoxed) return times(other ? own.map((x, i) => x - other[i]!) : own, values)
  const answers = boxed(times(own, values), values)
  if (!other) return answers
  const truth = times(other, values)
  return { ...answers, data: answers.data.map((x, i) => x - truth.data[i]!) }
}

function times(shares: Float64Array, values: Matrix): Matrix {
  const out = matrix(shares.length / values.rows, values.cols)
  kernels().product('nn', out.data, Float32Array.from(shares), values.data, out.rows, values.rows, values.cols)
  return out
}
