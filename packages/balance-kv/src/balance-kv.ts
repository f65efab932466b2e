import {
  checkFinite,
  checkHead,
  checkObject,
  FRAME_FEATURES,
  headOf,
  type AttentionStream,
  type Method,
  type Seed,
  type Shape,
  type Given,
} from '@sublinear/core'
import { cacheSizes, LEAST_CAPACITY } from './cache-sizes'
import { mergeReduce, mergeReduceBytes, type MergeReduceOptions } from './merge-reduce'
import { octaveBytes, octaveStream, restoreBalanceKv } from './octave-stream'
import { balanceKvSize } from './sizes'
import { softmaxBalance, type SoftmaxBalanceOptions } from './softmax-balance'

const WHO = 'balanceKv'
/** Failure probability of a walk where a byte budget decides the sizes, and no analysis. */
const DELTA = 0.01

export type BalanceKvOptions = Shape & {
  /** 64 bits that decide every coin. */
  readonly seed: Seed
  /** Mode of the halving. Default 'greedy'; with epsilon 'theory'. */
  readonly mode?: SoftmaxBalanceOptions['mode'] | undefined
  /**
   * Sums that share a coreset. 'joint' (the default): one weighted set. 'apart' (the default with epsilon): the paper's, by octaves of ‖v‖, and one
   * set for the mass.
   */
  readonly sums?: 'joint' | 'apart' | undefined
} & (
    | {
        /** Bytes that the stream never exceeds. */
        readonly budget: number
      }
    | {
        /** Error in units of ‖softmax‖₂·‖V‖_F, for queries and keys of at most `norm` and for at most n tokens, except with probability delta. */
        readonly epsilon: number
        readonly norm: number
        readonly n: number
        readonly delta: number
      }
  )

/** Any stream of this package: its counters have at least `rows` and `failures`. */
export type BalanceKv = AttentionStream &
  Disposable & { readonly counters: Readonly<Record<'rows' | 'failures', number>> & Readonly<Record<string, number>> }

/**
 * Makes a BalanceKV stream: softmax attention from a weighted coreset of the stream, chosen so that sums move little.
 * Source: Algorithm BalanceKV (Theorem 3.1), as given by `epsilon` with sums 'apart'. Deviation: by default one weighted set serves numerator and
 *   denominator, with log weights added to the scores, and signs are greedy; no token is halved while there is room; octaves are merged, not dropped.
 *
 * Guarantee: with 'joint', constant values are answered exactly; exact while all tokens fit the budget; no bound on the error is proved for 'greedy'.
 *   With epsilon: Theorem 3.1, where balanceKvSize does not call it vacuous.
 * Cost: 4·(d + dv + 2) bytes a token held. One halving of 256 tokens for every 128 that come, and as many again for the levels above.
 *
 * @param d, dv, scale  the shape; seed  64 bits that decide every coin
 * @param budget  bytes that are never exceeded; or epsilon, norm, n and delta, from which `balanceKvSize` computes block and levels
 * @param mode  'theory', 'greedy' or 'pairs' of softmaxBalance; sums  'joint' or 'apart'
 * @throws TypeError, RangeError when an option is out of range, or budget has no room for 8 tokens
 * @example
 * const stream = balanceKv({ d: 2, dv: 2, scale: 1, seed: 1, budget: 8192 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 2196
 */
export function balanceKv(options: BalanceKvOptions): BalanceKv {
  checkObject('balanceKv', options)
  const { d, dv, scale, seed } = options
  checkHead(WHO, options, FRAME_FEATURES, ['seed', 'mode', 'sums', 'budget', 'epsilon', 'norm', 'n', 'delta'])
  const shape = { d, dv, scale, ...headOf(options) }
  const isSized = 'epsilon' in options
  const { mode = isSized ? 'theory' : 'greedy', sums = isSized ? 'apart' : 'joint' } = options
  const delta = isSized ? options.delta : DELTA
  const halving = softmaxBalance({ mode, seed, sums, ...(mode === 'theory' && { delta }) } as SoftmaxBalanceOptions)
  if (isSized) {
    const { blockSize, levels } = balanceKvSize({ ...shape, ...options })
    return sums === 'joint'
      ? mergeReduce({ ...shape, halving, blockSize, levels, name: WHO })
      : octaveStream({ ...shape, halving, blockSize, levels })
  }
  checkFinite(WHO, 'budget', options.budget, 0)
  if (sums === 'joint') {
    const bytes = (capacity: number) => mergeReduceBytes({ ...shape, halving, ...cacheSizes(capacity) })
    return mergeReduce({ ...shape, halving, ...fitting(options.budget, bytes), name: WHO })
  }
  const bytes = (capacity: number) => octaveBytes({ ...shape, halving, ...cacheSizes(capacity) })
  return octaveStream({ ...shape, halving, ...fitting(options.budget, bytes) })
}

/** Options of balanceKv that can be given beside a byte budget. */
export type BalanceKvBudget = Pick<BalanceKvOptions & { readonly budget: number }, 'seed' | 'mode' | 'sums' | 'budget'>

export const balanceKvMethod: Method<BalanceKvBudget> = {
  name: WHO,
  source: 'Algorithm BalanceKV (Theorem 3.1)',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => balanceKv({ ...shape, ...options }),
  bytes: (shape, options) => capped(shape, options).bytes,
  within(shape, budget, { place }) {
    const options = { seed: place ? place.layer * place.heads + place.head : 0, budget }
    return capped(shape, options).least <= budget ? options : undefined
  },
  atRate: (shape, options, rate) => ({
    ...options,
    budget: Math.max(capped(shape, options).least, Math.round(options.budget * rate)),
  }),
  open: restoreBalanceKv,
}

/** Sizes that follow from a budget, the bytes that they take, and the smallest budget that is accepted. */
function capped({ d, dv, scale }: Shape, { seed, mode = 'greedy', sums = 'joint', budget }: BalanceKvBudget) {
  const halving = softmaxBalance({
    mode,
    seed,
    sums,
    ...(mode === 'theory' && { delta: DELTA }),
  } as SoftmaxBalanceOptions)
  const most = sums === 'joint' ? mergeReduceBytes : octaveBytes
  const bytes = (capacity: number) => most({ d, dv, scale, halving, ...cacheSizes(capacity) })
  const least = bytes(LEAST_CAPACITY)
  return { least, bytes: budget < least ? least : bytes(fitting(budget, bytes).capacity) }
}

/** The largest sizes whose bytes, which are affine in the capacity, stay within the budget. */
function fitting(
  budget: number,
  bytes: (capacity: number) => number,
): Given<Pick<MergeReduceOptions, 'blockSize' | 'levels' | 'capacity'>> {
  const least = bytes(LEAST_CAPACITY)
  if (budget < least)
    throw new RangeError(`${WHO}: budget must be at least ${least} bytes for this shape, got ${budget}`)
  const each = bytes(LEAST_CAPACITY + 1) - least
  return cacheSizes(LEAST_CAPACITY + Math.floor((budget - least) / each))
}
