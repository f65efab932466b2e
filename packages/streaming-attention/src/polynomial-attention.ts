import {
  checkInteger,
  checkKeys,
  checkObject,
  checkValues,
  emptyPartial,
  rowsOf,
  type FeatureMap,
  type Matrix,
} from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'
import { featureState } from './feature-state'

/** Tokens folded, and queries answered, at once. */
const BLOCK = 64

export interface PolynomialAttention {
  /** Queries: any number of rows × d. */
  readonly queries: Matrix
  /** Keys: n × d. */
  readonly keys: Matrix
  /** Values: n × dv. */
  readonly values: Matrix
  /** The feature map, of keys and of queries. */
  readonly features: FeatureMap
}

/**
 * Computes attention of whole matrices by the polynomial method: D̃⁻¹U₁(U₂ᵀV), multiplied from the right, so that no n × n array exists.
 * Source: Definition 1.1 (one-pass paper) and Alman and Song 2023, the middle of the paper's Figure 1. Deviation: none.
 *
 * Guarantee: pointwise relative error ε of the features moves an entry by at most 2·(1 − √(1 − ε²))/ε·max|v|; rows with a negative or
 *   vanishing denominator are answered by a lower even degree.
 * Cost: 2·t·(dv + 1) operations a key and as many a query: O(n·t·(d + dv)) in all; t·(dv + 2) numbers beside input and output.
 *
 * @returns queries.rows × dv; zero rows where there is no key
 * @throws TypeError, RangeError when shapes do not fit or an entry is not finite
 */
export function polynomialAttention(options: PolynomialAttention): Matrix {
  const { queries, keys, values, features } = checkObject('polynomialAttention', options)
  const who = 'polynomialAttention'
  const { d } = checkObject(who, features, 'features')
  checkKeys(who, 'keys', keys, d)
  checkValues(who, 'values', values, undefined, keys.rows)
  checkKeys(who, 'queries', queries, d)
  const dv = values.cols
  checkInteger(who, 'dv', dv, 1)
  using state = featureState(features, dv)
  using heldKeys = kernels().floats(BLOCK * d)
  using heldValues = kernels().floats(BLOCK * dv)
  for (let from = 0; from < keys.rows; from += BLOCK) {
    const to = Math.min(keys.rows, from + BLOCK)
    heldKeys.write(rowsOf(keys, from, to).data)
    heldValues.write(rowsOf(values, from, to).data)
    state.fold(heldKeys, heldValues, to - from) // U₂ᵀV and U₂ᵀ1
  }
  const out = emptyPartial(queries.rows, dv)
  for (let from = 0; from < queries.rows; from += BLOCK) {
    const to = Math.min(queries.rows, from + BLOCK)
    const [max, mass] = [out.max.subarray(from, to), out.mass.subarray(from, to)]
    state.answer(rowsOf(queries, from, to), max, mass, rowsOf(out.sum, from, to).data)
  }
  return normalise(out)
}
