import {
  checkFinite,
  checkHead,
  checkInteger,
  checkOptions,
  FRAME_FEATURES,
  largestWithin,
  type AttentionStream,
  type HeadFeature,
  type Method,
  type Shape,
} from '@sublinear/core'
import {
  bufferWithin,
  farKeys,
  farKeysMethod,
  restoreTiers,
  sinks as sinksTier,
  sinksMethod,
  tiers,
  window as windowTier,
  windowMethod,
  type Tiers,
} from '@sublinear/kv-cache'
import { closureMethod, closureStream } from '@sublinear/streaming-attention'
import { quantised, waitingBytes } from '@sublinear/token-store'

const KIND = 'endless'
const CAN: readonly HeadFeature[] = [...FRAME_FEATURES, 'positions']
const NAMES = ['window', 'sinks', 'far', 'store', 'near', 'clamp', 'most', 'buffer']
/** Tokens of the window for each far key, where a budget is shared out. */
const WINDOW_A_KEY = 2

export interface Bits {
  readonly keyBits: number
  readonly valueBits: number
}

export interface EndlessOptions {
  /** The newest tokens, exactly, turned by their places in the text. Default 256. */
  readonly window?: number | undefined
  /** The first tokens of the text, for good. Default 4. */
  readonly sinks?: number | undefined
  /** Far keys held. Default 128. */
  readonly far?: number | undefined
  /** Bits of their keys and values, 2 to 8. Default: float32. */
  readonly store?: Bits | undefined
  /** Bits of the window, the sinks and what waits. Default: float32. 8 and 8 lose nothing that was measured, and hold four times as much. */
  readonly near?: Bits | undefined
  /** Where everything behind the window stands: so many places before the query. Default: `window`. */
  readonly clamp?: number | undefined
  /** The most tokens that the summed-up rest counts for. 0: nothing is summed up, and what far keys let go of is forgotten. Default 1000. */
  readonly most?: number | undefined
  /** Tokens that wait, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Reading without end: a window by the text's own places; behind it first tokens, far keys and a Gaussian closure of the rest, held unrotated and asked from
 * one distance, the rest's mass never above that of `most` tokens. So a model reads on far beyond the length that it was trained on, in memory
 * that does not grow.
 * Source: not from the papers. One distance for all that is old: as in LM-Infinite (2023) and ReRoPE, of exact caches; sinks: Xiao et al. (2023).
 *
 * Guarantee: exact over the window, and up to `buffer` tokens that wait before it; every other token is held or summed up once, its weight kept until the
 *   rest's mass reaches `most`. Merging is 'none' with `rotary`.
 * Cost: 4·(d + dv) bytes a token held, a closure's; a token turns twice more on its way out of the window, and a query once more.
 *
 * @returns a stream of a shape; without `rotary` in it, keys come as they are to be used and no distance is changed
 * @throws TypeError, RangeError when an option is unknown or out of range
 * @example
 * const stream = endless({ window: 16, far: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1988
 */
export function endless(options: EndlessOptions = {}): (shape: Shape) => Tiers {
  const { window, sinks, far, clamp, most, buffer, store, near } = settled(options)
  return (shape) => {
    checkHead(KIND, shape, CAN)
    const held = [
      windowTier({ count: window, ...near }),
      sinksTier({ count: sinks, ...near }),
      farKeys({ count: far, ...store }),
    ] as const
    return tiers({
      ...shape,
      ...(shape.rotary && { positions: shape.positions ?? { clamp } }),
      parts: most > 0 ? [...held, (own) => closureStream({ ...own, most })] : held,
      buffer,
      ...(near && { waiting: near.store }),
      name: KIND,
    })
  }
}

/** An endless stream from its snapshot, resuming bit for bit; `open` restores a part. @throws RangeError as restoreTiers */
export function restoreEndless(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Tiers {
  return restoreTiers(bytes, open, KIND)
}

export const endlessMethod: Method<EndlessOptions> = {
  name: KIND,
  source: 'not from the papers; distances as in LM-Infinite (2023), sinks as in Xiao et al. (2023)',
  learns: 'nothing',
  can: CAN,
  usual: {
    window: 640,
    near: { keyBits: 8, valueBits: 8 },
    far: 128,
    store: { keyBits: 6, valueBits: 4 },
    most: 0,
  }, // the best within 64 kB of a head, of those searched in docs/reading-without-end.md
  make: (shape, options) => endless(options)(shape),
  bytes(shape, options, traffic) {
    const { window, sinks, far, store, near, most, buffer } = settled(options)
    return (
      windowMethod.tierBytes(shape, { count: window, ...near }, traffic, buffer) +
      sinksMethod.tierBytes(shape, { count: sinks, ...near }, traffic, buffer) +
      farKeysMethod.tierBytes(shape, { count: far, ...store }, traffic, buffer) +
      (most > 0 ? closureMethod.bytes(shape, { most }, traffic) : 0) +
      waitingBytes(shape, buffer, traffic.weighted ?? false, near?.store)
    )
  },
  within(shape, budgetBytes, traffic) {
    const buffer = bufferWithin(budgetBytes, shape)
    const optionsOf = (far: number) => ({ window: WINDOW_A_KEY * far, far, buffer })
    const bytes = (far: number) => endlessMethod.bytes(shape, optionsOf(far), traffic)
    const far = largestWithin(bytes, budgetBytes, { most: Math.min(2 ** 29, Math.max(1, traffic.tokens)) })
    return far === undefined ? undefined : optionsOf(far)
  },
  atRate(_, options, rate) {
    const own = settled(options)
    const scaled = (count: number) => Math.max(1, Math.round(count * rate))
    const sizes = {
      window: scaled(own.window),
      far: scaled(own.far),
      buffer: scaled(own.buffer),
      most: own.most * rate,
    }
    return { ...options, ...sizes, clamp: own.clamp }
  },
  open: restoreEndless,
}

function settled(options: EndlessOptions) {
  checkOptions(KIND, options, NAMES)
  const { window = 256, sinks = 4, far = 128, store, near, clamp = window, most = 1000, buffer = 64 } = options
  for (const [name, count] of Object.entries({ window, sinks, far })) checkInteger(KIND, name, count, 1)
  checkInteger(KIND, 'clamp', clamp, 0)
  checkInteger(KIND, 'buffer', buffer, 1, 64)
  checkFinite(KIND, 'most', most)
  if (most < 0) throw new RangeError(`${KIND}: most must be at least 0, got ${most}`)
  return { window, sinks, far, store: storeOf(store), near: storeOf(near), clamp, most, buffer }
}

function storeOf(bits: Bits | undefined) {
  return bits && { store: quantised(bits) }
}
