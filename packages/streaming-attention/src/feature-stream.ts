import {
  checkFits,
  checkHead,
  checkOptions,
  checkInteger,
  checkObject,
  decodeSnapshot,
  FRAME_FEATURES,
  HEAD_FEATURES,
  headIn,
  headOf,
  headParameters,
  readBy,
  requireSame,
  tensorsIn,
  tokenCount,
  type AttentionStream,
  type FeatureMap,
  type Head,
  type KvBlock,
  type LiveStream,
  type Shape,
  type Snapshot,
  type State,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { FOLDED as BLOCK, LONG } from '@sublinear/poly-features'
import { waitingBytes } from '@sublinear/token-store'
import { featureState, featureStateBytes, type FeatureState, type Moments } from './feature-state'
import { featureSchema } from './saved-feature'
import { foldingStream, type FoldedState, type Folding } from './folding-stream'

const KIND = 'feature'
const VERSION = '2'

export interface FeatureStreamOptions extends Pick<Head, 'sinkLogit' | 'rotary'> {
  /** The feature map, of keys and of queries. */
  readonly features: FeatureMap
  /** Value width. */
  readonly dv: number
  /** Kind of its snapshots: the name of a method with such a map. Default 'feature'. */
  readonly name?: string | undefined
}

export interface FeatureStream extends AttentionStream, Disposable {
  readonly features: FeatureMap
  /** Copies of U₂ᵀV, U₂ᵀ1 and the weight of all tokens pushed, also of those still held exactly: `querySketch` divides and multiplies by these. */
  moments(): Moments
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /** Number of rows, among those counted above, with negative or vanishing mass: they were answered by a lower even degree of the same state. */
    readonly fallbacks: number
    /** Number of keys folded with a feature above 2^24. Beside it float32 loses the features of ordinary keys: answers may be far off from then on. */
    readonly beyond: number
    /** Tokens that were not folded, since a sum would have left float32. */
    readonly left: number
  }
}

/**
 * Makes a feature stream: softmax attention from polynomial features in constant memory, S = U₂ᵀV and z = U₂ᵀ1, with answers φ(q)ᵀS / φ(q)ᵀz.
 * Source: Lemma 3.1 and the product U₁(U₂ᵀV) of Definition 1.1's solution (one-pass paper). Deviation: keys and values arrive
 * together, so the state is exact and no Ψ is needed; the last 1 to 64 tokens are answered exactly.
 *
 * Guarantee: pointwise relative error ε of the features moves an answer by at most 2·(1 − √(1 − ε²))/ε·max|v|, about ε·max|v|, and float32 sums by what
 *   `certificate` counts for so many tokens. Mass is never negative:
 *   a row whose polynomial mass is negative or vanishing is answered by a lower even degree of the same state, and counted.
 *   Sums are right to 1e-5 of Σ|φ·v| however long the stream is. A token that would make a sum leave float32 is not folded, but counted.
 * Cost: 4·t·dv + 8·t bytes, 4·t·dv more beyond 65,600 tokens, and a buffer of 64 tokens; 4·t·dv operations a token with its query.
 *
 * @throws TypeError, RangeError when dv is no integer ≥ 1
 * @example
 * const stream = featureStream({ features: taylorFeatures({ d: 2, degree: 2, scale: 1 }), dv: 2 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1164
 */
export function featureStream(options: FeatureStreamOptions): FeatureStream {
  checkOptions('featureStream', options, ['features', 'dv', 'name', ...HEAD_FEATURES])
  const { features, dv, name = KIND } = options
  checkInteger('featureStream', 'dv', dv, 1)
  return live(name, features, dv, headOf(options))
}

/**
 * Restores a feature stream from its snapshot; it goes on bit for bit, with the same feature map.
 *
 * @throws RangeError when the bytes are damaged or belong to another feature map
 */
export function restoreFeatureStream(features: FeatureMap, bytes: Uint8Array, name: string = KIND): FeatureStream {
  const snapshot = decodeSnapshot(bytes, { kind: name, version: VERSION })
  const { parameters } = snapshot
  requireSame('restoreFeatureStream', { features: features.spec }, { features: parameters['features'] ?? '' })
  const { d, t } = features
  const sizes = { d, t, 't · dv': t * Number(parameters['dv']) }
  const { dv } = readBy('restoreFeatureStream', featureSchema, snapshot, sizes).parameters
  return live(name, features, dv, headIn(name, snapshot), snapshot)
}

/** Most bytes that a feature stream of so many tokens holds. */
export function featureStreamBytes(features: FeatureMap, dv: number, weighted: boolean, tokens = Infinity): number {
  const { t, d, scale, spec } = checkObject('featureStreamBytes', features, 'features')
  if (typeof spec !== 'string') throw new TypeError('featureStreamBytes: features must be a feature map')
  const shape: Shape = { d, dv, scale }
  return featureStateBytes(t, dv, foldedOf(tokens)) + spec.length + waitingBytes(shape, BLOCK, weighted)
}

/** Number of tokens of a stream that are folded: all but the last 1 to 64. */
function foldedOf(tokens: number): number {
  return BLOCK * Math.max(0, Math.ceil(tokens / BLOCK) - 1)
}

function momentsFrom(kind: string, snapshot: State, t: number, dv: number): Moments {
  const { state, totals } = tensorsIn(kind, snapshot, { state: ['F32', t * dv], totals: ['F64', t] })
  const weight = Number(snapshot.parameters['weight'])
  checkFits(kind, weight >= 0 && weight < Infinity)
  const isFinite = (all: Float32Array | Float64Array) => snapshot.isSound || all.every(Number.isFinite)
  checkFits(kind, isFinite(state) && isFinite(totals))
  const folded = foldedOf(tokenCount(kind, snapshot))
  const hasRest = snapshot.tensors.has('rest') && folded > LONG // a longer stream saved by an older version has none
  const { rest } = hasRest ? tensorsIn(kind, snapshot, { rest: ['F32', t * dv] }) : {}
  checkFits(kind, rest === undefined || isFinite(rest))
  return { state, totals, weight, folded, ...(rest && { rest }) }
}

function live(kind: string, features: FeatureMap, dv: number, head: Head, from?: Snapshot): FeatureStream {
  const { d, t, scale } = features
  checkHead('featureStream', { d, dv, scale, ...head }, FRAME_FEATURES)
  const members = (now: () => Folding<Moments>) => ({
    features,
    moments: () => allMoments(features, dv, now().contents()),
  })
  return foldingStream<Moments, Pick<FeatureStream, 'features' | 'moments'>>(
    {
      kind,
      version: VERSION,
      d,
      dv,
      scale,
      ...head,
      block: BLOCK,
      merging: 'linear',
      identity: { features: features.spec, dv: String(dv), ...headParameters(head) },
      begin: (moments) => counted(features, featureState(features, dv, moments)),
      saved(state) {
        const { state: data, rest, totals, weight } = state.read()
        return {
          parameters: { weight: String(weight) },
          tensors: {
            totals: { dtype: 'F64', shape: [t], data: totals },
            state: { dtype: 'F32', shape: [t, dv], data },
            ...(rest && { rest: { dtype: 'F32' as const, shape: [t, dv], data: rest } }),
          },
        }
      },
      restored: (state) => momentsFrom(kind, state, t, dv),
    },
    members,
    from,
  ) as LiveStream & Pick<FeatureStream, 'features' | 'moments' | 'counters'>
}

/** A feature state in the form that a folding stream needs; its map counts, and so do rows and fallbacks. */
function counted({ spec }: FeatureMap, state: FeatureState): FoldedState<Moments> {
  const counters = { rows: 0, fallbacks: 0, beyond: 0, left: 0 }
  return {
    ...state,
    bytes: () => state.bytes() + spec.length,
    counters,
    fold(held) {
      state.fold(held.keys, held.values, held.count, held.weights)
      Object.assign(counters, state.counters)
    },
    answer(queries, max, mass, sum) {
      counters.rows += queries.rows
      counters.fallbacks += state.answer(queries, max, mass, sum)
    },
  }
}

/** The state with the held tokens folded in. */
function allMoments(features: FeatureMap, dv: number, { moments, held }: { moments: Moments; held: KvBlock }): Moments {
  const count = held.keys.rows
  const all = featureState(features, dv, moments)
  const keys = kernels().floats(count * features.d)
  const values = kernels().floats(count * dv)
  try {
    keys.write(held.keys.data)
    values.write(held.values.data)
    if (count > 0) all.fold(keys, values, count, held.weights)
    return all.read()
  } finally {
    for (const one of [all, keys, values]) one[Symbol.dispose]() // without `using`, which would add a helper of some 300 bytes to every page
  }
}
