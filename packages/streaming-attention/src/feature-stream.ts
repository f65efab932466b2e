import {
  checkBlock,
  checkInteger,
  checkMatrix,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  rowsOf,
  type AttentionStream,
  type FeatureMap,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'

const KIND = 'feature'
/** Tokens held exactly before they are folded into the state together. */
const BLOCK = 64
/** Below this share of the mass that all scores 0 would give, a mass is rounding or the negative side of the polynomial. */
const LEAST_MASS = 2 ** -10

export interface FeatureStreamOptions {
  readonly features: FeatureMap
  /** Value width. */
  readonly dv: number
}

export interface FeatureStream extends AttentionStream, Disposable {
  readonly features: FeatureMap
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /** Of these: mass negative or vanishing, answered by a lower even degree of the same state. */
    readonly fallbacks: number
  }
}

/** S and z over the folded tokens, and the tokens that are still held. */
interface Contents {
  readonly state: Float32Array // t × dv
  readonly totals: Float64Array // t
  /** Sum of the folded tokens' weights. */
  readonly weight: number
  readonly tokens: number
  readonly keys: Float32Array // count × d
  readonly values: Float32Array // count × dv
  readonly weights: Float32Array // count
}

const contentsOf = new WeakMap<AttentionStream, () => Contents>()

/**
 * Softmax attention from polynomial features in constant memory: S = U₂ᵀV, z = U₂ᵀ1, answers φ(q)ᵀS / φ(q)ᵀz.
 * Source: Lemma 3.1 and the product U₁(U₂ᵀV) of Definition 1.1's solution (one-pass paper). Deviation: keys and values arrive
 * together, so the state is exact and no Ψ is needed; the last 1 to 64 tokens are answered exactly.
 *
 * @throws TypeError, RangeError when dv is no integer ≥ 1
 * Guarantee: pointwise relative error ε of the features moves an answer by at most 2ε/(1 − ε)·max|v|. Mass is never negative:
 *   a row whose polynomial mass is negative or vanishing is answered by a lower even degree of the same state, and counted.
 * Cost: 4·t·dv + 8·t bytes and a buffer of 64 tokens; 4·t·dv operations a token with its query.
 */
export function featureStream({ features, dv }: FeatureStreamOptions): FeatureStream {
  checkInteger('featureStream', 'dv', dv, 1)
  return live(features, dv)
}

/**
 * A feature stream from its snapshot, resuming bit for bit, with the same feature map.
 *
 * @throws RangeError when the bytes are damaged or belong to another feature map
 */
export function restoreFeatureStream(features: FeatureMap, bytes: Uint8Array): FeatureStream {
  const { parameters, tensors } = decodeSnapshot(bytes, KIND)
  requireSame('restoreFeatureStream', { features: features.spec }, { features: parameters['features'] ?? '' })
  const dv = Number(parameters['dv'])
  checkInteger('restoreFeatureStream', 'dv', dv, 1)
  const [state, totals, keys, values, weights] = ['state', 'totals', 'keys', 'values', 'weights'].map(
    (name) => tensors.get(name)?.data,
  )
  const weight = Number(parameters['weight'])
  const tokens = Number(parameters['tokens'])
  const fits =
    state instanceof Float32Array &&
    totals instanceof Float64Array &&
    keys instanceof Float32Array &&
    values instanceof Float32Array &&
    weights instanceof Float32Array &&
    state.length === features.t * dv &&
    totals.length === features.t &&
    weights.length <= BLOCK &&
    keys.length === weights.length * features.d &&
    values.length === weights.length * dv &&
    weight >= 0 &&
    Number.isInteger(tokens) &&
    tokens >= weights.length
  if (!fits) throw new RangeError('feature: the tensors of the snapshot do not fit its parameters')
  const stream = live(features, dv, { state, totals, weight, tokens, keys, values, weights })
  return stream
}

function live(features: FeatureMap, dv: number, contents?: Contents): FeatureStream {
  const { d, t, scale } = features
  const state = kernels().floats(t * dv)
  const totals = kernels().doubles(t)
  const keys = new Float32Array(BLOCK * d)
  const values = new Float32Array(BLOCK * dv)
  const weights = new Float32Array(BLOCK)
  let count = 0 // tokens held in the three buffers
  let weight = 0 // of the folded tokens
  let tokens = 0
  let weighted = false // any held weight ≠ 1
  const counters = { rows: 0, fallbacks: 0 }

  const fold = () => {
    const block: Matrix = { rows: count, cols: d, data: keys.subarray(0, count * d) }
    const phi = scratch(count * t)
    features.mapKeys(block, { rows: count, cols: t, data: phi })
    const scaled = weighted ? scaleRows(values, weights, count, dv) : values
    kernels().product('tn', state, phi, scaled, t, count, dv, true)
    kernels().columnSums(totals, phi, count, t, weighted ? weights : undefined)
    for (let i = 0; i < count; i++) weight += weights[i]!
    count = 0
    weighted = false
  }

  /** Takes as many rows from `from` on as fit before the next fold, folding first when the buffer is full. */
  const take = (block: KvBlock, from: number): number => {
    if (count === BLOCK) fold()
    const rows = Math.min(BLOCK - count, block.keys.rows - from)
    keys.set(block.keys.data.subarray(from * d, (from + rows) * d), count * d)
    values.set(block.values.data.subarray(from * dv, (from + rows) * dv), count * dv)
    for (let i = 0; i < rows; i++) {
      const w = block.weights ? block.weights[from + i]! : 1
      weights[count + i] = w
      if (w !== 1) weighted = true
    }
    count += rows
    tokens += rows
    return rows
  }

  /** Answers at most BLOCK-sized pieces; with visible, row i sees the held tokens up to visible + ⌊i / groups⌋. */
  const answer = (queries: Matrix, out: PartialSoftmax, at: number, visible?: number, groups = 1) => {
    const { rows } = queries
    const max = out.max.subarray(at, at + rows)
    const mass = out.mass.subarray(at, at + rows)
    const sum = out.sum.data.subarray(at * dv, (at + rows) * dv)
    if (weight > 0) {
      const phi = scratch(rows * t)
      features.mapQueries(queries, { rows, cols: t, data: phi }, max)
      kernels().dotRows(mass, phi, totals, rows, t)
      kernels().product('nn', sum, phi, state, rows, t, dv)
      for (let r = 0; r < rows; r++) {
        const row = sum.subarray(r * dv, (r + 1) * dv)
        if (!isSound(mass[r]!, row)) mass[r] = fallBack(phi.subarray(r * t, (r + 1) * t), row)
      }
    }
    kernels().attend({
      queries: queries.data,
      keys,
      values,
      ...(weighted && { bias: weights.map(Math.log) }),
      rows,
      keyCount: count,
      d,
      dv,
      scale,
      ...(visible !== undefined && { causal: { visible, groups } }),
      max,
      mass,
      sum,
    })
    counters.rows += rows
  }

  const isSound = (mass: number, row: Float32Array) =>
    mass > LEAST_MASS * weight && mass < Infinity && row.every(Number.isFinite)

  /** Answers one row from the largest lower even degree that is sound: overwrites the row, returns its mass. */
  const fallBack = (phi: Float32Array, row: Float32Array): number => {
    counters.fallbacks++
    const z = totals.read()
    for (const prefix of features.fallbacks) {
      let mass = 0
      for (let f = 0; f < prefix; f++) mass += phi[f]! * z[f]!
      kernels().product('nn', row, phi.subarray(0, prefix), state.range(0, prefix * dv), 1, prefix, dv)
      if (isSound(mass, row)) return mass
    }
    row.fill(0) // beyond float32 even for averages: the state has no say
    return 0
  }

  /** Adds another stream's folded tokens to the state and takes the tokens that it holds. */
  const add = (theirs: Contents) => {
    const z = totals.read()
    for (let f = 0; f < t; f++) z[f]! += theirs.totals[f]!
    totals.write(z)
    kernels().addScaled(state, theirs.state, 1, t * dv)
    weight += theirs.weight
    tokens += theirs.tokens - theirs.weights.length
    const held = theirs.weights.length
    const block: KvBlock = {
      keys: { rows: held, cols: d, data: theirs.keys },
      values: { rows: held, cols: dv, data: theirs.values },
      weights: theirs.weights,
    }
    for (let from = 0; from < held;) from += take(block, from)
  }

  const contentsNow = (): Contents => ({
    state: state.read(),
    totals: totals.read(),
    weight,
    tokens,
    keys: keys.slice(0, count * d),
    values: values.slice(0, count * dv),
    weights: weights.slice(0, count),
  })

  const self: FeatureStream = {
    d,
    dv,
    scale,
    features,
    counters,
    merging: 'linear',
    get tokens() {
      return tokens
    },
    get bytes() {
      return 4 * t * dv + 8 * t + keys.byteLength + values.byteLength + weights.byteLength + features.spec.length
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      for (let from = 0; from < block.keys.rows;) from += take(block, from)
    },
    attend(queries) {
      checkMatrix(KIND, 'queries', queries, d)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < queries.rows; from += BLOCK) {
        answer(rowsOf(queries, from, Math.min(queries.rows, from + BLOCK)), out, from)
      }
      return out
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkMatrix(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < block.keys.rows;) {
        const rows = take(block, from)
        const own = rowsOf(queries, from * groups, (from + rows) * groups)
        answer(own, out, from * groups, count - rows + 1, groups)
        from += rows
      }
      return out
    },
    merge(later) {
      const theirs = contentsOf.get(later)
      if (!theirs) throw new TypeError('feature: cannot merge, the other stream is not a feature stream')
      requireSame(KIND, identity(self), identity(later as FeatureStream))
      add(theirs())
    },
    toBytes() {
      const now = contentsNow()
      return encodeSnapshot({
        kind: KIND,
        version: '1',
        parameters: { ...identity(self), weight: String(now.weight), tokens: String(now.tokens) },
        tensors: {
          totals: { dtype: 'F64', shape: [t], data: now.totals },
          state: { dtype: 'F32', shape: [t, dv], data: now.state },
          keys: { dtype: 'F32', shape: [count, d], data: now.keys },
          values: { dtype: 'F32', shape: [count, dv], data: now.values },
          weights: { dtype: 'F32', shape: [count], data: now.weights },
        },
      })
    },
    [Symbol.dispose]() {
      state[Symbol.dispose]()
      totals[Symbol.dispose]()
    },
  }
  if (contents) add(contents)
  contentsOf.set(self, contentsNow)
  return self
}

function identity({ features, dv }: FeatureStream): Record<string, string> {
  return { features: features.spec, dv: String(dv) }
}

let spare = new Float32Array(0)

/** Feature rows of one block: scratch of the process, shared by all streams, valid until the next call. */
function scratch(length: number): Float32Array {
  if (spare.length < length) spare = new Float32Array(length)
  return spare.subarray(0, length)
}

function scaleRows(values: Float32Array, weights: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[r * cols + c] = values[r * cols + c]! * weights[r]!
  return out
}
