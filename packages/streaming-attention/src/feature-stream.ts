import {
  checkInteger,
  decodeSnapshot,
  requireSame,
  type AttentionStream,
  type FeatureMap,
  type KvBlock,
} from '@sublinear/core'
import { restoredTokens } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'
import { featureState, type Moments } from './feature-state'
import { foldingStreams, type FoldingOptions } from './folding-streams'

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
  /** U₂ᵀV, U₂ᵀ1 and the weight of all tokens pushed, held ones included, as copies: what `querySketch` divides by and multiplies. */
  moments(): Moments
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /** Of these: mass negative or vanishing, answered by a lower even degree of the same state. */
    readonly fallbacks: number
  }
}

const stream = foldingStreams<Moments>(KIND, VERSION)

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
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { parameters, tensors } = snapshot
  requireSame('restoreFeatureStream', { features: features.spec }, { features: parameters['features'] ?? '' })
  const dv = Number(parameters['dv'])
  checkInteger('restoreFeatureStream', 'dv', dv, 1)
  const [state, totals] = ['state', 'totals'].map((name) => tensors.get(name)?.data)
  const weight = Number(parameters['weight'])
  const fits =
    state instanceof Float32Array &&
    totals instanceof Float64Array &&
    state.length === features.t * dv &&
    totals.length === features.t &&
    weight >= 0 &&
    weight < Infinity
  if (!fits) throw new RangeError('feature: the tensors of the snapshot do not fit its parameters')
  const from = restoredTokens(KIND, snapshot, { d: features.d, dv, most: BLOCK })
  return live(features, dv, { state, totals, weight }, from)
}

function live(
  features: FeatureMap,
  dv: number,
  moments?: Moments,
  from?: FoldingOptions<Moments>['from'],
): FeatureStream {
  const { d, t, scale } = features
  const state = featureState(features, dv, moments)
  const counters = { rows: 0, fallbacks: 0 }
  const base = stream({
    d,
    dv,
    scale,
    block: BLOCK,
    merging: 'linear',
    identity: { features: features.spec, dv: String(dv) },
    state: {
      ...state,
      bytes: state.bytes + features.spec.length,
      fold: (held) => state.fold(held.keys, held.values, held.count, held.weights),
      answer(queries, max, mass, sum) {
        counters.rows += queries.rows
        counters.fallbacks += state.answer(queries, max, mass, sum)
      },
    },
    saved: ({ state: data, totals, weight }) => ({
      parameters: { weight: String(weight) },
      tensors: {
        totals: { dtype: 'F64', shape: [t], data: totals },
        state: { dtype: 'F32', shape: [t, dv], data },
      },
    }),
    ...(from && { from }),
  })
  return Object.assign(base, { features, counters, moments: () => allMoments(features, dv, stream.contents(base)) })
}

/** The state with the held tokens folded in. */
function allMoments(features: FeatureMap, dv: number, { moments, held }: { moments: Moments; held: KvBlock }): Moments {
  const count = held.keys.rows
  using all = featureState(features, dv, moments)
  using keys = kernels().floats(count * features.d)
  using values = kernels().floats(count * dv)
  keys.write(held.keys.data)
  values.write(held.values.data)
  if (count > 0) all.fold(keys, values, count, held.weights)
  return all.read()
}
