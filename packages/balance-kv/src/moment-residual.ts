import {
  isFinite,
  matrix,
  rowsOf,
  type FeatureMap,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'

/** Query rows answered at once. */
const PIECE = 64
/** Largest share of itself by which the residual may move a mass; beyond it, the polynomial is out of its range. */
const MOST_SHIFT = 0.5

/** Moments that a coreset lost: Σ w·φ(k)·(v, 1) over all tokens, minus the same sum over the coreset. */
export interface Residual {
  readonly state: Float32Array // t × dv
  readonly totals: Float64Array // t
}

export function noResidual(t: number, dv: number): Residual {
  return { state: new Float32Array(t * dv), totals: new Float64Array(t) }
}

/** Adds sign · Σ w·φ(k)·(v, 1) to the residual. */
export function addTokens(
  features: FeatureMap,
  { state, totals }: Residual,
  { keys, values, weights }: KvBlock,
  sign: 1 | -1,
): void {
  const { rows } = keys
  const { t } = features
  const phi = matrix(rows, t)
  features.mapKeys(keys, phi)
  for (let r = 0; r < rows; r++) {
    const w = sign * (weights?.[r] ?? 1)
    for (let f = 0, at = r * t; f < t; f++, at++) {
      phi.data[at] *= w
      totals[f] += phi.data[at]
    }
  }
  kernels().product('tn', state, phi.data, values.data, t, rows, values.cols, true)
}

/** Empties a residual that float32 cannot hold: from then on the coreset stands for the tokens of which it was. */
export function forgetBeyond({ state, totals }: Residual): void {
  if (isFinite(state) && totals.every(Number.isFinite)) return
  state.fill(0)
  totals.fill(0)
}

/**
 * Adds φ(q)·residual to a coreset's answers in place; rows whose mass would move by more than half of itself are left as they are.
 *
 * @returns how many rows were left
 */
export function correct(
  features: FeatureMap,
  { state, totals }: Residual,
  queries: Matrix,
  { max, mass, sum }: PartialSoftmax,
): number {
  const { cols: dv } = sum
  const { t } = features
  let left = 0
  for (let from = 0; from < queries.rows; from += PIECE) {
    const rows = Math.min(PIECE, queries.rows - from)
    const phi = matrix(rows, t)
    const logScale = new Float32Array(rows)
    features.mapQueries(rowsOf(queries, from, from + rows), phi, logScale)
    const moved = new Float32Array(rows * dv)
    kernels().product('nn', moved, phi.data, state, rows, t, dv)
    for (let r = 0; r < rows; r++) {
      const factor = Math.exp(logScale[r] - max[from + r])
      let shift = 0
      for (let f = 0; f < t; f++) shift += phi.data[r * t + f] * totals[f]
      shift *= factor
      const own = moved.subarray(r * dv, (r + 1) * dv)
      const isSound =
        Math.abs(shift) <= MOST_SHIFT * mass[from + r] && own.every((x) => Math.abs(x * factor) < 2 ** 120)
      if (!isSound) left++
      else {
        mass[from + r] += shift
        for (let c = 0; c < dv; c++) sum.data[(from + r) * dv + c] += own[c] * factor
      }
    }
  }
  return left
}
