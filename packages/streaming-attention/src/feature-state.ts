import { isFinite, matrix, type FeatureMap, type Matrix } from '@sublinear/core'
import { featureKernels, kernels, type Resident } from '@sublinear/kernels'
import { LONG } from '@sublinear/poly-features'
import { fittingTokens } from './fitting-tokens'

/** Share of the mass that scores of 0 would give, for maps that name none: a smaller mass is rounding, or the polynomial is negative. */
const LEAST_MASS = 2 ** -10
/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127

/** Whether one can divide by a mass over tokens of this weight. In a map without fallbacks no feature is negative, and any mass will do. */
export function isSoundMass({ fallbacks, leastMass = LEAST_MASS }: FeatureMap, mass: number, weight: number): boolean {
  return mass > (fallbacks.length > 0 ? leastMass : 0) * weight && mass < Infinity
}

/** Moments that a feature state holds. */
export interface Moments {
  readonly state: Float32Array // S, t × dv
  /** The rounding error of S, t × dv; present once more than 65,536 tokens are folded. */
  readonly rest?: Float32Array | undefined
  readonly totals: Float64Array // z, t
  /** Sum of the folded tokens' weights. */
  readonly weight: number
  /** Tokens folded. Default 0. */
  readonly folded?: number | undefined
}

export interface FeatureState extends Disposable {
  bytes(): number
  /** Counts since it was made: keys folded with a feature above 2^24; tokens left out, since a sum would have left float32. */
  readonly counters: { readonly beyond: number; readonly left: number }
  /** Folds the first `count` keys and values: S += U₂ᵀ·diag(w)·V, z += U₂ᵀ·w; weights are 1 where absent. */
  fold(keys: Resident<Float32Array>, values: Resident<Float32Array>, count: number, weights?: Float32Array): void
  /** Overwrites max, mass and sum (rows × dv) with the partial softmax of the folded tokens; returns how many rows fell back. */
  answer(queries: Matrix, max: Float32Array, mass: Float64Array, sum: Float32Array): number
  add(other: Moments): void
  read(): Moments
  /** Bytes that it will hold more after so many more tokens. */
  growth(tokens: number): number
  /** Whether every sum stays within float32 when these moments are added. */
  fits(other: Moments): boolean
}

/** Bytes of a state into which so many tokens are folded. */
export function featureStateBytes(t: number, dv: number, folded: number): number {
  return (folded > LONG ? 8 : 4) * t * dv + 8 * t
}

/**
 * Makes the exact feature state: S = U₂ᵀV (t × dv) and z = U₂ᵀ1 over the tokens folded so far. A row's answer is φ(q)ᵀS over φ(q)ᵀz.
 * Source: Algorithm 1 (one-pass paper). Deviation: keys and values arrive together, so neither is sketched: Ψ = I, no sketch error.
 *
 * Guarantee: mass is never negative and nothing is NaN. A row whose mass is negative, vanishing or beyond float32 is answered by
 *   the largest lower even degree of the same state that is sound, in the end by plain averages.
 *   Once more than 65,536 tokens are folded, sums keep their rounding errors, so that S is right to 1e-5 of Σ|φ·v| after any number of tokens:
 *   at most 1,024 roundings lie between a token and a sum that is exact.
 * Cost: 4·t·dv + 8·t bytes, 4·t·dv more beyond 65,536 tokens; 2·t·dv operations a token and as many a query.
 *
 * @param from  moments to start with, bit for bit
 */
export function featureState(features: FeatureMap, dv: number, from?: Moments): FeatureState {
  const { t } = features
  const state = kernels().floats(t * dv)
  const totals = kernels().doubles(t)
  const fitting = fittingTokens(features, dv)
  let rest: Resident<Float32Array> | undefined
  let weight = 0
  let folded = 0
  /** Counts tokens in; where they are many, keeps rounding errors from now on. */
  const grow = (tokens: number) => {
    folded += tokens
    if (folded > LONG) rest ??= kernels().floats(t * dv)
  }
  if (from) {
    state.write(from.state)
    totals.write(from.totals)
    weight = from.weight
    grow(from.folded ?? 0)
    if (from.rest) rest?.write(from.rest)
  }

  const isSound = (mass: number) => isSoundMass(features, mass, weight)

  /** Answers one row from a lower even degree: overwrites the row, returns its mass. */
  const fallBack = (phi: Float32Array, row: Float32Array): number => {
    const z = totals.read()
    for (const prefix of features.fallbacks) {
      let mass = 0
      for (let f = 0; f < prefix; f++) mass += phi[f] * z[f]
      kernels().product('nn', row, phi.subarray(0, prefix), state.range(0, prefix * dv), 1, prefix, dv)
      if (isSound(mass) && isFinite(row)) return mass
    }
    row.fill(0) // beyond float32 even for averages: the answer has no mass
    return 0
  }

  return {
    bytes: () => featureStateBytes(t, dv, folded),
    counters: fitting.counters,
    fold(keys, values, count, weights) {
      const phi = scratch(t * count)
      mapKeys(features, keys, count, phi)
      const left = fitting.only(phi, { keys, values, weights, count }, () => kernels().largestMagnitude(state, t * dv))
      const weighted = weights ? scaleRows(values.read(), weights, count, dv) : values
      grow(count)
      kernels().product('nn', rest ?? state, phi, weighted, t, count, dv, true)
      if (rest) kernels().carry(state, rest, t * dv)
      featureKernels().rowSums(totals, phi, t, count, weights)
      for (let i = 0; i < count; i++) if (!left?.has(i)) weight += weights ? weights[i] : 1
    },
    answer(queries, max, mass, sum) {
      if (weight === 0) return 0 // the empty partial
      const { rows } = queries
      const phi = scratch(t * rows)
      mapQueries(features, queries, phi, max)
      featureKernels().dotColumns(mass, phi, totals, t, rows)
      kernels().product('tn', sum, phi, state, rows, t, dv)
      const finite = isFinite(sum)
      let fallbacks = 0
      for (let r = 0; r < rows; r++) {
        max[r] = Math.min(LARGEST, Math.max(-LARGEST, max[r])) // a shift beyond float32
        if (isSound(mass[r]) && (finite || isFinite(sum.subarray(r * dv, (r + 1) * dv)))) continue
        mass[r] = fallBack(column(phi, r, t, rows), sum.subarray(r * dv, (r + 1) * dv))
        if (mass[r] === 0) max[r] = -Infinity
        fallbacks++
      }
      return fallbacks
    },
    add(other) {
      const z = totals.read()
      for (let f = 0; f < t; f++) z[f] += other.totals[f]
      totals.write(z)
      weight += other.weight
      grow(other.folded ?? 0)
      if (!rest) return kernels().addScaled(state, other.state, 1, t * dv)
      const [sums, lost] = [state.read(), rest.read()]
      for (let i = 0; i < sums.length; i++) {
        const sum = sums[i] + other.state[i] + (lost[i] + (other.rest?.[i] ?? 0))
        sums[i] = sum
        lost[i] = sum - sums[i]
      }
      state.write(sums)
      rest.write(lost)
    },
    read: () => ({ state: state.read(), ...(rest && { rest: rest.read() }), totals: totals.read(), weight, folded }),
    fits(other) {
      const { largestMagnitude } = kernels()
      return largestMagnitude(state, t * dv) + largestMagnitude(other.state, t * dv) < LARGEST
    },
    growth: (tokens) => featureStateBytes(t, dv, folded + tokens) - featureStateBytes(t, dv, folded),
    [Symbol.dispose]() {
      state[Symbol.dispose]()
      rest?.[Symbol.dispose]()
      totals[Symbol.dispose]()
    },
  }
}

let spare: Resident<Float32Array> | undefined

/** Feature rows of one block: scratch of the process, shared by all states, valid until the next call. */
function scratch(length: number): Resident<Float32Array> {
  if (spare && spare.length >= length) return spare
  spare?.[Symbol.dispose]()
  return (spare = kernels().floats(length))
}

/** Features of the first `rows` keys, t × rows. */
function mapKeys(features: FeatureMap, keys: Resident<Float32Array>, rows: number, out: Resident<Float32Array>): void {
  if (features.resident) return features.resident.mapKeys(keys, rows, out)
  const { d, t } = features
  const phi = matrix(rows, t)
  features.mapKeys({ rows, cols: d, data: keys.read().subarray(0, rows * d) }, phi)
  out.write(transposed(phi))
}

function mapQueries(features: FeatureMap, queries: Matrix, out: Resident<Float32Array>, logScale: Float32Array): void {
  const { rows, data } = queries
  if (features.resident) return features.resident.mapQueries(data, rows, out, logScale)
  const phi = matrix(rows, features.t)
  features.mapQueries(queries, phi, logScale)
  out.write(transposed(phi))
}

/** Column c of the first rows × cols entries. */
function column(a: Resident<Float32Array>, c: number, rows: number, cols: number): Float32Array {
  const all = a.range(0, rows * cols).read()
  return Float32Array.from({ length: rows }, (_, r) => all[r * cols + c])
}

function transposed({ rows, cols, data }: Matrix): Float32Array {
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c]
  return out
}

function scaleRows(values: Float32Array, weights: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[r * cols + c] = values[r * cols + c] * weights[r]
  return out
}
