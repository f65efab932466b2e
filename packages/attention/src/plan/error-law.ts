import { matrix, type Matrix } from '@sublinear/core'
import { concentrationOf } from './concentration'

/** ‖·‖², mean over queries, as a function of the number of independent tokens. */
export type ErrorLaw = (n: number) => number

/** Something that tokens (rows `chosen` of the pilot, with these values) give every query: queries × dv. */
export type Answered = (chosen: Uint32Array, values: Matrix) => Matrix

/** Cuts of the pilot in two. */
const SPLITS = 4
/** Times that chance is asked what it would show. */
const SHUFFLES = 16
/** Standard errors by which a limit must stand out from chance. */
const SIGNIFICANT = 3

/**
 * How ‖a(T)‖² depends on the number of independent tokens T, query by query: limit + sampling·c(n)/n.
 *
 * Over two disjoint halves A and B, ⟨a(A), a(B)⟩ estimates ‖E a‖² without bias: the limit. A limit that, over all queries, does not stand
 * out from what the same tokens show when `shuffled` values take away whatever there is to find is taken for 0: the pilot
 * cannot see it. What ‖a(A)‖² is above the limit is sampling. It falls as 1/n where scores are mild; where a query's scores spread by
 * σ, few tokens carry the answer and more of them come with n: c(n) is n·E‖softmax‖² of n Gaussian scores over the same for the half.
 *
 * @param spreads  σ of every query
 */
export function errorLaw(
  answer: Answered,
  values: Matrix,
  shuffled: (round: number) => Matrix,
  spreads: Float64Array,
): ErrorLaw {
  const queries = spreads.length
  const half = Math.floor(values.rows / 2)
  const measure = (own: Matrix, splits: number) => {
    const cross = new Float64Array(queries)
    const square = new Float64Array(queries)
    for (let split = 0; split < splits; split++) {
      const [a, b] = halves(values.rows, split).map((chosen) => answer(chosen, own)) as [Matrix, Matrix]
      for (let i = 0; i < a.data.length; i++) {
        const r = Math.floor(i / a.cols)
        cross[r]! += (a.data[i]! * b.data[i]!) / splits
        square[r]! += (a.data[i]! ** 2 + b.data[i]! ** 2) / 2 / splits
      }
    }
    return { cross, square }
  }
  const { cross, square } = measure(values, SPLITS)
  const chance = Array.from({ length: SHUFFLES }, (_, round) => sum(measure(shuffled(round), 1).cross))
  const mean = chance.reduce((a, b) => a + b, 0) / SHUFFLES
  const deviation = Math.sqrt(chance.reduce((a, b) => a + (b - mean) ** 2, 0) / (SHUFFLES - 1))
  const seen = sum(cross) - mean > SIGNIFICANT * deviation
  const limit = seen ? cross : new Float64Array(queries)
  const sampling = square.map((x, r) => ((x - limit[r]!) * half) / concentrationOf(half, spreads[r]!))
  return (n) => {
    let total = 0
    for (let r = 0; r < queries; r++) total += limit[r]! + (sampling[r]! * concentrationOf(n, spreads[r]!)) / n
    return Math.max(0, total / queries)
  }
}

/** Two disjoint halves of 0 … m − 1: rows apart by 1, 2, 4, … rows. */
function halves(m: number, split: number): [Uint32Array, Uint32Array] {
  const side = (wanted: number) =>
    Uint32Array.from(Array.from({ length: m }, (_, i) => i).filter((i) => ((i >> split) & 1) === wanted))
  return [side(0), side(1)]
}

/** The rows `chosen`. */
export function rowsAt(source: Matrix, chosen: Uint32Array): Matrix {
  const { cols } = source
  const out = matrix(chosen.length, cols)
  for (const [to, from] of chosen.entries()) {
    out.data.set(source.data.subarray(from * cols, (from + 1) * cols), to * cols)
  }
  return out
}

const sum = (x: Float64Array): number => x.reduce((a, b) => a + b, 0)
