import {
  mergeReduce,
  mergeReduceBytes,
  restoreMergeReduce,
  softmaxBalance,
  type MergeReduce,
  type MergeReduceOptions,
} from '@sublinear/balance-kv'
import {
  checkBlock,
  checkFinite,
  checkInteger,
  checkKeys,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  rowsOf,
  type AttentionStream,
  type FeatureMap,
  type KvBlock,
  type Matrix,
  type Seed,
} from '@sublinear/core'
import { restoreFeatures } from '@sublinear/poly-features'
import { addTokens, correct, noResidual, type Residual } from './moment-residual'

const KIND = 'moment-coreset'
const VERSION = '1'
const LEVELS = 3
const [LEAST_CAPACITY, MOST_BLOCK] = [8, 256]

export interface MomentCoresetOptions {
  /** The moments that stay exact; decides d and scale too. */
  readonly features: FeatureMap
  readonly dv: number
  readonly seed: Seed
  /** Bytes that the stream never exceeds: 4·t·dv + 8·t for the moments, the rest for tokens. */
  readonly budget: number
  /** Of softmaxBalance. Default 'greedy'. */
  readonly mode?: 'greedy' | 'pairs'
}

export interface MomentCoreset extends AttentionStream, Disposable {
  readonly features: FeatureMap
  readonly counters: {
    readonly rows: number
    /** Of these: rows where the moments would have moved the mass by more than half of itself, answered by the coreset alone. */
    readonly fallbacks: number
  }
}

/**
 * Exact low-degree moments of all tokens and a balanced coreset for what is beyond them: Σ_all p(s)·v + Σ_coreset w·(eˢ − p(s))·v, the same in the
 * mass, p the polynomial of the features.
 * Source: the composition of *Towards Tight Bounds for Streaming Attention* (Chen, Feng, Indyk, Kapralov, Kochetkova and Prokhorov 2026) of this
 *   repository's two papers. Deviation: no partition of space; what is kept is not the moments but what the coreset has lost of them, the same
 *   sum without its cancellation, which changes only when a block is halved; the walk balances all of exp.
 *
 * @param features  the polynomial, its centre and scale; dv, seed, budget, mode  as described
 * @throws TypeError, RangeError when an option is out of range or the budget has no room for 8 tokens
 * Guarantee: exact while all tokens fit; afterwards an error in tail(s) = eˢ − p(s) alone, where no row falls back; constant values come back. Mass
 *   stays within half and three halves of the coreset's.
 * Cost: budget bytes; 2·t·dv operations a query, and for every token that is halved, beside balanceKv's.
 */
export function momentCoreset({ features, dv, seed, budget, mode = 'greedy' }: MomentCoresetOptions): MomentCoreset {
  checkInteger('momentCoreset', 'dv', dv, 1)
  checkFinite('momentCoreset', 'budget', budget, 0)
  const { d, t, scale } = features
  const halving = softmaxBalance({ mode, seed })
  const shape = { d, dv, scale, halving }
  const own = residualBytes(features, dv)
  const bytes = (capacity: number) => own + mergeReduceBytes({ ...shape, ...sizesOf(capacity) })
  const least = bytes(LEAST_CAPACITY)
  if (budget < least)
    throw new RangeError(`momentCoreset: budget must be at least ${least} bytes for this map, got ${budget}`)
  const each = bytes(LEAST_CAPACITY + 1) - least
  const sizes = sizesOf(LEAST_CAPACITY + Math.floor((budget - least) / each))
  return live(features, noResidual(t, dv), (replaced) => mergeReduce({ ...shape, ...sizes, replaced }))
}

/**
 * A momentCoreset from its snapshot, resuming bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreMomentCoreset(bytes: Uint8Array): MomentCoreset {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { features: spec = '', ...tree } = parameters
  const features = restoreFeatures(spec)
  const { state: first, totals: second, ...rest } = Object.fromEntries(tensors)
  const [state, totals] = [first?.data, second?.data]
  const { t, d, scale } = features
  const dv = Number(tree['dv'])
  const fits =
    state instanceof Float32Array &&
    totals instanceof Float64Array &&
    totals.length === t &&
    state.length === t * dv &&
    Number(tree['d']) === d &&
    Number(tree['scale']) === scale
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  const saved = encodeSnapshot({ kind: 'merge-reduce', version: VERSION, parameters: tree, tensors: rest })
  return live(features, { state, totals }, (replaced) => restoreMergeReduce(saved, undefined, replaced))
}

const residualBytes = ({ t, spec }: FeatureMap, dv: number) => 4 * t * dv + 8 * t + spec.length

function sizesOf(capacity: number): Required<Pick<MergeReduceOptions, 'blockSize' | 'levels' | 'capacity'>> {
  return { blockSize: Math.min(MOST_BLOCK, Math.floor(capacity / (LEVELS + 1))), levels: LEVELS, capacity }
}

function live(
  features: FeatureMap,
  residual: Residual,
  make: (replaced: (before: KvBlock, after: KvBlock) => void) => MergeReduce,
): MomentCoreset {
  const tree = make((before, after) => {
    addTokens(features, residual, before, 1)
    addTokens(features, residual, after, -1)
  })
  const { d, dv, scale } = tree
  let rows = 0
  let fallbacks = 0

  const corrected = (queries: Matrix, answer: ReturnType<MergeReduce['attend']>) => {
    rows += queries.rows
    fallbacks += correct(features, residual, queries, answer)
    return answer
  }

  return {
    d,
    dv,
    scale,
    features,
    merging: 'none',
    get tokens() {
      return tree.tokens
    },
    get bytes() {
      return tree.bytes + residualBytes(features, dv)
    },
    get counters() {
      return { rows, fallbacks }
    },
    push: (block) => tree.push(block),
    attend: (queries) => (tree.tokens === 0 ? tree.attend(queries) : corrected(queries, tree.attend(queries))),
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const out = emptyPartial(queries.rows, dv)
      for (let at = 0; at < block.keys.rows;) {
        const end = Math.min(block.keys.rows, at + Math.max(1, tree.room)) // the residual stands still until a halving
        const own = rowsOf(queries, at * groups, end * groups)
        const { max, mass, sum } = corrected(own, tree.step(partOf(block, at, end), own))
        out.max.set(max, at * groups)
        out.mass.set(mass, at * groups)
        out.sum.data.set(sum.data, at * groups * dv)
        at = end
      }
      return out
    },
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    toBytes() {
      const { parameters, tensors } = decodeSnapshot(tree.toBytes())
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: { ...parameters, features: features.spec },
        tensors: {
          ...Object.fromEntries(tensors),
          state: { dtype: 'F32', shape: [features.t, dv], data: residual.state },
          totals: { dtype: 'F64', shape: [features.t], data: residual.totals },
        },
      })
    },
    [Symbol.dispose]() {
      tree[Symbol.dispose]()
    },
  }
}

function partOf({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock {
  return {
    keys: rowsOf(keys, from, to),
    values: rowsOf(values, from, to),
    ...(weights && { weights: weights.subarray(from, to) }),
  }
}
