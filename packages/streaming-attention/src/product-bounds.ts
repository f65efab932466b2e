import { checkFinite, matrix, rowsOf, type Matrix } from '@sublinear/core'
import { featureRows, piecesOf } from './feature-rows'
import type { OnePassState } from './one-pass-state'
import { rowLedger } from './row-ledger'

/**
 * How far answers by sk(U₂)ᵀ·sk(V) are from answers by U₂ᵀV, at most, rows × dv.
 * Source: not from the papers. E = U₂ᵀ(ΨᵀΨ − 1)V has no query in it, and E‖E_c‖² ≤ c·‖U₂‖_F²‖V_c‖² for a Ψ of innerVariance c, entry by entry. By Markov's inequality over
 *   the dv columns, ‖E_c‖ ≤ ‖U₂‖_F·‖V_c‖·√(c·dv/δ) for all of them with probability 1 − δ; then |φ(q)ᵀE_c| ≤ ‖φ(q)‖·‖E_c‖ for every q there is. With the control
 *   variate U₂ and V stand without their means.
 *
 * Guarantee: that of `OnePass.bounds`, for sums in exact arithmetic: what float32 rounds off the sketches is not in it.
 *
 * @param mass  of the queries, as they were answered
 */
export function productBounds(
  who: string,
  { features, psi, prodU2, sumV, keys, controlVariate, squares }: OnePassState,
  queries: Matrix,
  mass: Float64Array,
  delta: number,
): Matrix {
  if (!squares) throw new TypeError(`${who}: there are no bounds without the option bounds`)
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
  const whole = rowLedger()
  whole.add(0, keys.count)
  if (!keys.matches(whole))
    // squares of rows that came twice do not add up
    throw new RangeError(`${who}: bounds need the rows 0 … n - 1, each once; rows are missing or came twice`)
  const dv = sumV.length
  const out = matrix(queries.rows, dv)
  if (keys.count === 0) return out
  const norms = squares.norms(controlVariate ? { keys: prodU2, values: sumV, rows: keys.count } : undefined)
  const times = norms.keys * Math.sqrt((psi.innerVariance! * dv) / delta)
  for (const [piece, from] of piecesOf(queries)) {
    const phi = featureRows(piece.rows, features.t)
    features.mapQueries(piece, phi, new Float32Array(piece.rows))
    for (let r = 0; r < piece.rows; r++) {
      const row = rowsOf(phi, r, r + 1).data
      const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0))
      for (let c = 0; c < dv; c++) {
        const isSound = mass[from + r] > 0
        out.data[(from + r) * dv + c] = isSound ? (norm * times * norms.values[c]) / mass[from + r] : Infinity
      }
    }
  }
  return out
}
