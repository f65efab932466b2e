import {
  checkSeed,
  MOST_WEIGHT,
  NOT_NEGATIVE,
  readBy,
  schema,
  seedWords,
  type Seed,
  type Shape,
  type State,
} from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions, sizesOf, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type PolicyStart, type TokenTier } from '../token-tier'
import { weightedSample, type SampleState } from './weighted-sample'

const KIND = 'reservoir'

export interface ReservoirOptions extends TokenOptions {
  /** 64 bits that decide which tokens stay. */
  readonly seed: Seed
}

/**
 * A tier that keeps a random sample of `count` tokens, which stands for all of them. Of tokens without weights it is a uniform sample without replacement,
 * and each held token counts n / count times; of weighted tokens it keeps the heavy ones, and takes the others in proportion to their weights.
 * Source: Cohen, Duffield, Kaplan, Lund, Thorup, Efficient Stream Sampling for Variance-Optimal Estimation of Subset Sums (2011);
 *   for equal weights it is Vitter's Algorithm R (1985).
 *
 * Guarantee: a token of weight w is held with probability min(1, w / τ), exactly, where τ is the number with Σ min(1, w / τ) = count over all
 *   tokens, and then counts max(w, τ). So every sum over tokens is estimated without bias, and the held weights add up to all weights
 *   given (each is at most 2^53). Nothing leaves: held tokens stand for those that are not held, so `admit` returns undefined, and merging is 'none'.
 * Cost: the bytes of the store, 4·(d + dv + 1) a token in float32, and 8 more a token; O(1) a token without weights, O(count) a token with weights, and
 *   O(count) logarithms every 64 tokens.
 *
 * @param count  tokens kept, ≥ 1; seed  64 bits that decide which: token i draws from Philox at counter i; store, buffer  as in `window`
 * @throws TypeError, RangeError when count is no integer ≥ 1, seed no 64-bit integer, or store no token store
 * @example
 * const stream = reservoir({ count: 16, seed: 1 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1536
 */
export function reservoir(options: ReservoirOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options, ['seed'])
  const seed = checkSeed(KIND, options.seed)
  return (shape) => live(shape, options, seed)
}

/** Restores a reservoir from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreReservoir(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  const seed = snapshot.parameters['seed'] ?? ''
  if (!/^\d{1,20}$/.test(seed)) throw new RangeError(`${KIND}: seed must be an integer, got ${JSON.stringify(seed)}`)
  return live(options, options, checkSeed(KIND, BigInt(seed)), snapshot)
}

export const reservoirMethod = tokenMethod<ReservoirOptions>({
  name: KIND,
  source: 'Cohen et al. (2011); for equal weights Vitter, Algorithm R (1985)',
  learns: 'nothing',
  tier: reservoir,
  open: restoreReservoir,
  options: (_, { place }) => ({ seed: place ? place.layer * place.heads + place.head : 0 }),
  weighs: true,
  beside: (_shape, _options, _traffic, held) => 8 * held,
})

function live(shape: Shape, options: TokenOptions, seed: bigint, snapshot?: State): TokenTier {
  return tokenTier(
    {
      ...shape,
      ...sizesOf(options),
      kind: KIND,
      merging: 'none',
      identity: { seed: String(seed) },
      policy: (held, from) => sample(held, options.count, seedWords(seed), from),
    },
    snapshot,
  )
}

/** Schema of a weighted sample: the tokens' own weights; 0 for a token that stands for others and counts `threshold`. */
export const reservoirSchema = schema(
  { parameters: { threshold: NOT_NEGATIVE }, tensors: { own: { type: 'F64', size: 'held', ...NOT_NEGATIVE } } },
  {
    '`own` is 0 or at least `threshold`; while there is room, that is 0 and `own` is above it.': (
      { parameters: { threshold }, tensors: { own } },
      { count },
    ) =>
      own.every((weight) => (weight === 0 ? threshold > 0 : weight >= threshold)) &&
      (own.length === count || threshold === 0),
    'Together they stand for at most 2^53 · the tokens admitted.': (
      { parameters: { threshold }, tensors: { own } },
      { seen },
    ) => own.reduce((sum, weight) => sum + (weight || threshold), 0) <= seen * MOST_WEIGHT * (1 + 1e-6),
  },
)

function sample(held: HeldTokens, count: number, seed: readonly [number, number], from?: PolicyStart): Policy {
  const like = from?.like as SampleState | undefined
  const state: SampleState = like
    ? { ...like, own: [...like.own] }
    : from
      ? restored(held, count, from)
      : { own: [], threshold: 0, seen: 0 }
  const chosen = weightedSample(count, seed, state)
  return {
    bytes: () => 8 * state.own.length,
    parts: state,
    admit(block) {
      for (let r = 0; r < block.keys.rows; r++) {
        const slot = chosen.offer(block.weights?.[r] ?? 1)
        if (slot >= 0) held.write(block, r, 1, slot)
      }
      if (state.threshold > 0)
        held.weigh(
          0,
          Float32Array.from(state.own, (_, slot) => Math.min(MOST_WEIGHT, chosen.weight(slot))),
        )
      return undefined
    },
    unsure: () =>
      // A token that stands for others is in the sample with probability w/τ; heavy tokens are always in it and add no variance.
      Float64Array.from({ length: held.count }, (_, slot) =>
        state.threshold > 0 && state.own[slot] === 0 ? shareUnsure(state, count) : 0,
      ),
    saved: () => ({
      parameters: { threshold: String(state.threshold) },
      tensors: { own: { dtype: 'F64', shape: [state.own.length], data: Float64Array.from(state.own) } },
    }),
  }
}

/**
 * The factor (1 − m/n)·m/(m − 1) of a variance, for m light tokens that stand for n tokens of weight 1. Where tokens had other weights, which are not
 * kept, m/n is taken for 0.
 */
function shareUnsure({ own, threshold, seen }: SampleState, count: number): number {
  const light = own.reduce((total, weight) => total + (weight === 0 ? 1 : 0), 0)
  const isPlain = Math.abs(threshold * count - seen) <= 1e-9 * seen
  return ((isPlain ? 1 - 1 / threshold : 1) * light) / Math.max(1, light - 1)
}

function restored(held: HeldTokens, count: number, { snapshot, seen }: PolicyStart): SampleState {
  const { parameters, tensors } = readBy(KIND, reservoirSchema, snapshot, { held: held.count, count, seen })
  return { own: [...tensors.own], threshold: parameters.threshold, seen }
}
