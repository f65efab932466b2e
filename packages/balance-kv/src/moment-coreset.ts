import {
  checkFinite,
  checkHead,
  checkInteger,
  checkOptions,
  decodeSnapshot,
  FRAME_FEATURES,
  HEAD_FEATURES,
  headOf,
  liveStream,
  FINITE,
  readBy,
  schema,
  tokensOf,
  type AttentionStream,
  type FeatureMap,
  type Head,
  type Inside,
  type KvBlock,
  type Life,
  type LiveStream,
  type Making,
  type Method,
  type Seed,
  type Snapshot,
  type State,
  type Tensor,
} from '@sublinear/core'
import { restoreFeatures, taylorFeatures } from '@sublinear/poly-features'
import { cacheSizes, LEAST_CAPACITY } from './cache-sizes'
import {
  beginTree,
  mergeReduceBytes,
  treeIn,
  treeInside,
  type MergeReduceOptions,
  type TreeInside,
} from './merge-reduce'
import { addTokens, correct, forgetBeyond, noResidual, type Residual } from './moment-residual'
import { softmaxBalance } from './softmax-balance'

const KIND = 'momentCoreset'
const VERSION = '2'

export interface MomentCoresetOptions extends Pick<Head, 'sinkLogit' | 'rotary'> {
  /** Feature map whose moments stay exact; it decides d and scale, too. */
  readonly features: FeatureMap
  readonly dv: number
  /** 64 bits that decide every coin. */
  readonly seed: Seed
  /** Bytes that the stream never exceeds: 4·t·dv + 8·t for the moments, the rest for tokens. */
  readonly budget: number
  /** Mode of softmaxBalance. Default 'greedy'. */
  readonly mode?: 'greedy' | 'pairs' | undefined
}

export interface MomentCoreset extends AttentionStream, Disposable {
  readonly features: FeatureMap
  readonly counters: {
    readonly rows: number
    /**
     * Number of rows, among those counted above, for which the moments would have moved the mass by more than half of itself; the coreset alone answered them.
     */
    readonly fallbacks: number
  }
}

/**
 * Makes a stream of exact low-degree moments of all tokens, and a balanced coreset for what is beyond them: Σ_all p(s)·v + Σ_coreset w·(eˢ − p(s))·v, where p is
 * the polynomial of the features; the mass likewise.
 * Source: *Towards Tight Bounds for Streaming Attention* (Chen, Feng, Indyk, Kapralov, Kochetkova and Prokhorov 2026), which combines the two papers of
 *   this repository so. Deviation: space is not partitioned; what is kept is not the moments but the part of them that the coreset has lost, which is the
 *   same sum without cancellation, and changes only when a block is halved; the walk balances all of exp.
 *
 * Guarantee: exact while all tokens fit; afterwards, where no row falls back, there is an error in tail(s) = eˢ − p(s) alone. Constant values are answered
 *   exactly. The mass stays between half and three halves of the coreset's. Moments that leave float32 are forgotten: the coreset answers alone.
 * Cost: `budget` bytes; beside the operations of balanceKv, 2·t·dv a query, and as many for every token that is halved.
 *
 * @param features  feature map: the polynomial, its centre and scale; dv  width of values; seed  64 bits; budget  bytes; mode  'greedy' or 'pairs'
 * @throws TypeError, RangeError when an option is out of range or the budget has no room for 8 tokens
 * @example
 * const stream = momentCoreset({ features: taylorFeatures({ d: 2, degree: 1, scale: 1 }), dv: 2, budget: 8192, seed: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 2288
 */
export function momentCoreset(given: MomentCoresetOptions): MomentCoreset {
  checkOptions(KIND, given, ['features', 'dv', 'seed', 'budget', 'mode', ...HEAD_FEATURES])
  const { features, dv, seed, budget, mode = 'greedy' } = given
  checkInteger(KIND, 'dv', dv, 1)
  checkFinite(KIND, 'budget', budget, 0)
  const { least, capacity } = sizedWithin({ features, dv, seed, budget, mode })
  if (budget < least)
    throw new RangeError(`${KIND}: budget must be at least ${least} bytes for this map, got ${budget}`)
  const { d, scale } = features
  const head = headOf(given)
  checkHead(KIND, { d, dv, scale, ...head }, FRAME_FEATURES)
  const sizes = cacheSizes(capacity)
  const options = { d, dv, scale, ...head, halving: softmaxBalance({ mode, seed }), ...sizes }
  return live(features, options)
}

/** The number of tokens of the coreset within a budget, their bytes, and the smallest budget that is accepted. */
function sizedWithin({ features, dv, seed, budget, mode = 'greedy' }: MomentCoresetOptions) {
  const { d, scale } = features
  const halving = softmaxBalance({ mode, seed })
  const bytes = (capacity: number) =>
    residualBytes(features, dv) + mergeReduceBytes({ d, dv, scale, halving, ...cacheSizes(capacity) })
  const least = bytes(LEAST_CAPACITY)
  const each = bytes(LEAST_CAPACITY + 1) - least
  const capacity = LEAST_CAPACITY + Math.max(0, Math.floor((budget - least) / each))
  return { least, capacity, bytes: bytes(capacity) }
}

/**
 * Restores a momentCoreset from its snapshot; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreMomentCoreset(bytes: Uint8Array): MomentCoreset {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const features = restoreFeatures(snapshot.parameters['features'] ?? '')
  const { options } = treeIn(KIND, snapshot)
  const { d, scale } = options
  if (d !== features.d || scale !== features.scale)
    throw new RangeError(`${KIND}: the tensors do not fit the parameters`)
  return live(features, options, snapshot)
}

function residualIn(features: FeatureMap, dv: number, from?: State): Residual {
  if (!from) return noResidual(features.t, dv)
  const { tensors } = readBy(KIND, residualSchema, from, { 't · dv': features.t * dv, t: features.t })
  return tensors
}

/** Schema of the sums of features that the coreset lacks. */
export const residualSchema = schema({
  tensors: { state: { type: 'F32', size: 't · dv', ...FINITE }, totals: { type: 'F64', size: 't', ...FINITE } },
})

const residualBytes = ({ t, spec }: FeatureMap, dv: number) => 4 * t * dv + 8 * t + spec.length

function live(features: FeatureMap, options: MergeReduceOptions, from?: Snapshot): MomentCoreset {
  const making: Making<Inside, { readonly features: FeatureMap }> = {
    kind: KIND,
    begin: (alive, state) => begun(features, options, alive, state),
    members: () => ({ features }),
  }
  return liveStream(making, from) as LiveStream & Pick<MomentCoreset, 'features' | 'counters'>
}

function begun(features: FeatureMap, options: MergeReduceOptions, alive: Life, from?: State): TreeInside {
  const { dv } = options
  const residual = residualIn(features, dv, from)
  const replaced = (before: KvBlock, after: KvBlock) => {
    addTokens(features, residual, before, 1)
    addTokens(features, residual, after, -1)
    forgetBeyond(residual)
  }
  const tree = beginTree(KIND, { ...options, replaced }, from)
  const base = treeInside(options, tree)
  const savedResidual = (): Record<string, Tensor> => ({
    state: { dtype: 'F32', shape: [features.t, dv], data: residual.state },
    totals: { dtype: 'F64', shape: [features.t], data: residual.totals },
  })
  let rows = 0
  let fallbacks = 0
  return {
    ...base,
    identity: { ...base.identity, features: features.spec },
    bytes: () => base.bytes() + residualBytes(features, dv),
    // The residual does not change until a halving: a token that causes one is a piece of its own.
    take: (block, at) => tree.take(tree.room === 0 ? tokensOf(block, at, at + 1) : block, tree.room === 0 ? 0 : at),
    answer(queries, out, arrived) {
      tree.attend(queries, out, arrived)
      if (alive.tokens === 0) return
      rows += queries.rows
      fallbacks += correct(features, residual, queries, out)
    },
    continues: false,
    counters: () => ({ rows, fallbacks }),
    saved() {
      const { parameters, tensors } = base.saved()
      return { ...(parameters && { parameters }), tensors: { ...tensors, ...savedResidual() } }
    },
    savedBeside: () => ({ tensors: savedResidual() }),
  }
}

/** Options that can be given beside a byte budget; moments are of degree 1 by default. */
export type MomentCoresetBudget = Pick<MomentCoresetOptions, 'seed' | 'budget' | 'mode'>

const degreeOne = ({ d, scale }: { readonly d: number; readonly scale: number }) =>
  taylorFeatures({ d, degree: 1, scale })

export const momentCoresetMethod: Method<MomentCoresetBudget> = {
  name: KIND,
  source: 'Chen, Feng, Indyk, Kapralov, Kochetkova and Prokhorov, Towards Tight Bounds for Streaming Attention (2026)',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make(shape, options) {
    checkHead(KIND, shape, FRAME_FEATURES)
    return momentCoreset({ ...options, ...headOf(shape), features: degreeOne(shape), dv: shape.dv })
  },
  bytes: (shape, options) => sizedWithin({ ...options, features: degreeOne(shape), dv: shape.dv }).bytes,
  within(shape, budget, { place }) {
    if (!(shape.scale > 0)) return undefined // features exist only for a scale above 0
    const options = { seed: place ? place.layer * place.heads + place.head : 0, budget }
    return sizedWithin({ ...options, features: degreeOne(shape), dv: shape.dv }).least <= budget ? options : undefined
  },
  atRate(shape, options, rate) {
    const { least } = sizedWithin({ ...options, features: degreeOne(shape), dv: shape.dv })
    return { ...options, budget: Math.max(least, Math.round(options.budget * rate)) }
  },
  open: restoreMomentCoreset,
}
