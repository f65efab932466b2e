import type { AttentionStream, Matrix, Shape, StreamSpec, TierSpec } from '@sublinear/core'
import { balanceKv } from '@sublinear/balance-kv'
import { exactStream } from '@sublinear/exact-attention'
import {
  clusters,
  farKeys,
  h2o,
  quantised,
  reservoir,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
} from '@sublinear/kv-cache'
import { anisotropicFeatures, taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import { autoStream } from '../auto/auto-stream'
import { calibrate } from '../auto/calibrate'
import type { Pilot } from '../plan/pilot'
import type { BoardStream } from './board'
import { bufferWithin } from './buffer-within'
import { mostThatFits } from './most-that-fits'

const SINKS = 4
const MOST_DEGREE = 4
const MOST_FEATURES = 512
const LEARNS = { learns: true }
/** Keys need more bits than values: their error passes through exp. */
const FEW_BITS = quantised({ keyBits: 6, valueBits: 4 })

/**
 * The streams of this repository for `compare`, by name: each takes as much as the budget lets it. A plain record; put yours beside them.
 * Source: not from the papers, the board; each stream names its own.
 */
export const compareStreams: Readonly<Record<string, BoardStream>> = {
  exact: fixed(exactStream),
  window: tiered((count) => [window({ count })]),
  streamingLlm: tiered((size) => [streamingLlm({ count: SINKS + size, sinks: SINKS })]),
  reservoir: tiered((count) => [reservoir({ count, seed: 0 })]),
  h2o: tiered((count) => [h2o({ count })], LEARNS),
  tova: tiered((count) => [tova({ count })], LEARNS),
  snapKv: tiered((size) => [snapKv({ count: 1 + size })], LEARNS),
  clusters: tiered((count) => [clusters({ count })]),
  far: tiered((count) => [farKeys({ count })]),
  'far+closure': tiered((count) => [farKeys({ count }), closureStream]),
  quantised: tiered((bits, tokens) => [window({ count: tokens, store: quantised(shared(bits)) })], { most: 13 }),
  'far6/4+closure': tiered((count) => [farKeys({ count, store: FEW_BITS }), closureStream]),
  balanceKv: budgeted((shape, { budgetBytes }) => balanceKv({ ...shape, seed: 0, budget: budgetBytes })),
  auto: budgeted((shape, { budgetBytes, tokens }) => autoStream({ ...shape, budgetBytes, tokens }), LEARNS),
  calibrated: budgeted((shape, { budgetBytes, tokens, pilot }) => {
    const budget = { ...shape, budgetBytes, tokens }
    return autoStream({ ...budget, recipe: calibrate({ ...pilot, ...budget, asks: 'causal' }) })
  }, LEARNS),
  closure: fixed(closureStream),
  taylor: growing(
    (size, { d, dv, scale }, { pilot: { keys } }) =>
      featureStream({ features: taylorFeatures({ d, degree: size - 1, scale, centre: meanRow(keys) }), dv }),
    { most: MOST_DEGREE + 1 },
  ),
  anisotropic: growing(
    (t, { dv, scale }, { pilot: { keys, queries } }) =>
      featureStream({ features: anisotropicFeatures({ pilotKeys: keys, pilotQueries: queries, t, scale }), dv }),
    { most: MOST_FEATURES },
  ),
}

/** A stream of one size: there where it fits. */
function fixed(make: (shape: Shape) => AttentionStream): BoardStream {
  return (shape, budgetBytes, tokens) =>
    mostThatFits({ make: () => make(shape), shape, budgetBytes, tokens, most: 1 }) === 1 ? make(shape) : undefined
}

interface Given {
  readonly budgetBytes: number
  readonly tokens: number
  readonly pilot: Pilot
}

interface Growing {
  readonly most?: number
  readonly learns?: boolean
  /** Tokens that wait in the stream: pushed as many at a time, it shows its peak, that of a full buffer. Default 64. */
  readonly buffer?: (budgetBytes: number, shape: Shape) => number
}

/** A stream that takes a budget; it refuses one with no room for it. */
function budgeted(
  make: (shape: Shape, given: Given) => AttentionStream,
  { learns = false }: { readonly learns?: boolean } = {},
): BoardStream {
  const made: BoardStream = (shape, budgetBytes, tokens, pilot) => {
    try {
      return make(shape, { budgetBytes, tokens, pilot })
    } catch (error) {
      if (error instanceof RangeError && /budget/.test(error.message)) return undefined
      throw error
    }
  }
  return Object.assign(made, { learns })
}

/** A stream with a size, as large as fits. */
function growing(
  make: (size: number, shape: Shape, given: Given) => AttentionStream,
  { most = Infinity, learns = false, buffer }: Growing = {},
): BoardStream {
  const sizes = new Map<string, number>() // a memo: the answer depends on the question alone, and heads ask the same one
  const fitted: BoardStream = (shape, budgetBytes, tokens, pilot) => {
    const sized = (size: number) => make(size, shape, { budgetBytes, tokens, pilot })
    const groups = pilot.queries.rows / pilot.keys.rows
    const limits = {
      shape,
      budgetBytes,
      tokens,
      most: Math.min(most, tokens),
      ...(learns && { groups }),
      ...(buffer && { block: buffer(budgetBytes, shape) }),
    }
    const question = JSON.stringify(limits)
    const size = sizes.get(question) ?? mostThatFits({ make: sized, ...limits })
    sizes.set(question, size)
    return size === 0 ? undefined : sized(size)
  }
  return Object.assign(fitted, { learns })
}

/** Tiers of which one holds as many tokens as fit, behind a buffer of an eighth of the budget, at most 64 tokens. */
function tiered(
  parts: (size: number, tokens: number) => readonly [...TierSpec[], StreamSpec],
  options: Growing = {},
): BoardStream {
  return growing(
    (size, shape, { budgetBytes, tokens }) =>
      tiers({ ...shape, parts: parts(size, tokens), buffer: bufferWithin(budgetBytes, shape) }),
    { ...options, buffer: bufferWithin },
  )
}

/** Bits of keys and values, 2 and 2 at size 1, then one more in turn, keys first. */
function shared(size: number): { readonly keyBits: number; readonly valueBits: number } {
  return { keyBits: 2 + (size >> 1), valueBits: 2 + ((size - 1) >> 1) }
}

function meanRow({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols]! += data[i]!
  return Float32Array.from(total, (x) => x / rows)
}
