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
 * A sample of `count` tokens that stands for all: of tokens without weights a uniform one without replacement, each held token
 * counting n / count times; of weighted tokens one that keeps the heavy ones and takes the others in proportion to their weights.
 * Source: Cohen, Duffield, Kaplan, Lund, Thorup, Efficient Stream Sampling for Variance-Optimal Estimation of Subset Sums (2011);
 *   for equal weights it is Vitter's Algorithm R (1985).
 *
 * Guarantee: a token of weight w is held with probability min(1, w / τ), exactly, where τ is the number with Σ min(1, w / τ) = count over all
 *   tokens, and then counts max(w, τ): every sum over tokens is estimated without bias, and the weights held add up to all weights
 *   given (each is 2^53 at most). Nothing leaves: what is not held is counted by what is, so `admit` returns undefined and merging is 'none'.
 * Cost: the store's, 4·(d + dv + 1) bytes a token in float32, and 8 more; O(1) a token without weights, O(count) with, and O(count) logarithms every 64 tokens.
 *
 * @param count  tokens kept, ≥ 1; seed  decides which: the i-th token draws from Philox at counter i; store, buffer  as window has them
 * @throws TypeError, RangeError when count is no integer ≥ 1, seed none or store no token store
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

/** A reservoir from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
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

/** A weighted sample, as snapshots have it: the tokens' own weights, 0 of one that stands for others with `threshold`. */
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
  const state = from ? restored(held, count, from) : { own: [], threshold: 0, seen: 0 }
  const chosen = weightedSample(count, seed, state)
  return {
    get bytes() {
      return 8 * state.own.length
    },
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
      // A token that stands for others is in the sample with probability w/τ, and for heavy ones there is nothing to be unsure about.
      Float64Array.from({ length: held.count }, (_, slot) =>
        state.threshold > 0 && state.own[slot] === 0 ? shareUnsure(state, count) : 0,
      ),
    saved: () => ({
      parameters: { threshold: String(state.threshold) },
      tensors: { own: { dtype: 'F64', shape: [state.own.length], data: Float64Array.from(state.own) } },
    }),
  }
}

/** (1 − m/n)·m/(m − 1) of m light tokens that stand for n of weight 1; where there were other weights, which are not kept, as if m/n were 0. */
function shareUnsure({ own, threshold, seen }: SampleState, count: number): number {
  const light = own.reduce((total, weight) => total + (weight === 0 ? 1 : 0), 0)
  const isPlain = Math.abs(threshold * count - seen) <= 1e-9 * seen
  return ((isPlain ? 1 - 1 / threshold : 1) * light) / Math.max(1, light - 1)
}

function restored(held: HeldTokens, count: number, { snapshot, seen }: PolicyStart): SampleState {
  const { parameters, tensors } = readBy(KIND, reservoirSchema, snapshot, { held: held.count, count, seen })
  return { own: [...tensors.own], threshold: parameters.threshold, seen }
}
