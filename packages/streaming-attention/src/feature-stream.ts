import {
  checkBlock,
  checkInteger,
  checkKeys,
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
import { featureState, type Moments } from './feature-state'

const KIND = 'feature'
const VERSION = '1'
/** Tokens held exactly before they are folded into the state together. */
const BLOCK = 64

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

/** The moments of the folded tokens, and the tokens that are still held. */
interface Contents extends Moments {
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
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
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
    weight < Infinity &&
    Number.isInteger(tokens) &&
    tokens >= weights.length
  if (!fits) throw new RangeError('feature: the tensors of the snapshot do not fit its parameters')
  checkBlock(KIND, heldBlock({ keys, values, weights }, features.d, dv), features.d, dv)
  const stream = live(features, dv, { state, totals, weight, tokens, keys, values, weights })
  return stream
}

function live(features: FeatureMap, dv: number, contents?: Contents): FeatureStream {
  const { d, t, scale } = features
  const state = featureState(features, dv, contents)
  const keys = kernels().floats(BLOCK * d)
  const values = kernels().floats(BLOCK * dv)
  const weights = new Float32Array(BLOCK)
  let count = 0 // tokens held in the three buffers
  let tokens = 0
  let weighted = false // any held weight ≠ 1
  const counters = { rows: 0, fallbacks: 0 }

  /** Takes as many rows from `from` on as fit before the next fold, folding first when the buffer is full. */
  const take = (block: KvBlock, from: number): number => {
    if (count === BLOCK) {
      state.fold(keys, values, count, weighted ? weights : undefined)
      count = 0
      weighted = false
    }
    const rows = Math.min(BLOCK - count, block.keys.rows - from)
    keys.write(rowsOf(block.keys, from, from + rows).data, count * d)
    values.write(rowsOf(block.values, from, from + rows).data, count * dv)
    for (let i = 0; i < rows; i++) {
      const w = block.weights ? block.weights[from + i]! : 1
      weights[count + i] = w
      if (w !== 1) weighted = true
    }
    count += rows
    tokens += rows
    return rows
  }

  /** Answers a few rows into `out` from row `at` on; with `visible`, row i sees the held tokens up to visible + ⌊i / groups⌋. */
  const answer = (queries: Matrix, out: PartialSoftmax, at: number, visible?: number, groups = 1) => {
    const { rows } = queries
    const { max, mass, sum } = rows === out.sum.rows ? out : partOf(out, at, at + rows)
    counters.rows += rows
    counters.fallbacks += state.answer(queries, max, mass, sum.data)
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
      sum: sum.data,
    })
  }

  /** Goes on with another stream's counts and the tokens that it holds. */
  const takeHeld = (theirs: Contents) => {
    const held = theirs.weights.length
    tokens += theirs.tokens - held
    const block = heldBlock(theirs, d, dv)
    for (let from = 0; from < held;) from += take(block, from)
  }

  const contentsNow = (): Contents => ({
    ...state.read(),
    tokens,
    keys: keys.read().subarray(0, count * d),
    values: values.read().subarray(0, count * dv),
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
      return state.bytes + 4 * BLOCK * (d + dv + 1) + features.spec.length
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      for (let from = 0; from < block.keys.rows;) from += take(block, from)
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < queries.rows; from += BLOCK) {
        answer(rowsOf(queries, from, Math.min(queries.rows, from + BLOCK)), out, from)
      }
      return out
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
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
      const contents = theirs()
      state.add(contents)
      takeHeld(contents)
    },
    toBytes() {
      const now = contentsNow()
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
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
      for (const held of [state, keys, values]) held[Symbol.dispose]()
    },
  }
  if (contents) takeHeld(contents)
  contentsOf.set(self, contentsNow)
  return self
}

function identity({ features, dv }: FeatureStream): Record<string, string> {
  return { features: features.spec, dv: String(dv) }
}

function partOf({ max, mass, sum }: PartialSoftmax, from: number, to: number): PartialSoftmax {
  return { max: max.subarray(from, to), mass: mass.subarray(from, to), sum: rowsOf(sum, from, to) }
}

function heldBlock(held: Pick<Contents, 'keys' | 'values' | 'weights'>, d: number, dv: number): KvBlock {
  const rows = held.weights.length
  return {
    keys: { rows, cols: d, data: held.keys },
    values: { rows, cols: dv, data: held.values },
    weights: held.weights,
  }
}
