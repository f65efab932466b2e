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
  checkAge,
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
const NAMES = ['window', 'sinks', 'far', 'halvedAfter', 'store', 'near', 'clamp', 'most', 'buffer']
/** The most far keys where a budget is shared out, and tokens of the window for each of fewer: more far keys take attention from the newest tokens. */
const MOST_FAR = 128
const WINDOW_A_KEY = 4
const EIGHT: Bits = { keyBits: 8, valueBits: 8 }
const FEW: Bits = { keyBits: 6, valueBits: 4 }

export interface Bits {
  readonly keyBits: number
  readonly valueBits: number
}

export interface EndlessOptions {
  /** The newest tokens, turned by their places in the text. Default 640. */
  readonly window?: number | undefined
  /** The first tokens of the text, for good. Default 4. */
  readonly sinks?: number | undefined
  /** Far keys held. Default 128. */
  readonly far?: number | undefined
  /** Tokens after which a far key's squared distance counts for half: old ones make room for new ones. Default 100,000; Infinity: never. */
  readonly halvedAfter?: number | undefined
  /** Bits of far keys and of their values, 2 to 8, or 'float32'. Default 6 and 4. */
  readonly store?: Bits | 'float32' | undefined
  /** Bits of the window, the sinks and what waits, or 'float32'. Default 8 and 8: they lose nothing that was measured, and hold four times as much. */
  readonly near?: Bits | 'float32' | undefined
  /** Where everything behind the window stands: so many places before the query. Default: `window`. */
  readonly clamp?: number | undefined
  /** The most tokens that the summed-up rest counts for. 0: nothing is summed up, and what far keys let go of is forgotten. Default 0. */
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
 * Guarantee: exact over the tokens held, as their bits round them. Far keys let go of the rest, which is forgotten, or with `most` summed up once, its weight kept until the
 *   rest's mass reaches `most`. Merging is 'none' with `rotary`.
 * Cost: what the stores take, 4·(d + dv) bytes a token in float32 and a quarter in 8 bits, 4 more a far key that fades, and a closure's with `most`; a token turns twice more on its way out of the window, and a query once more.
 *
 * @returns a stream of a shape; without `rotary` in it, keys come as they are to be used and no distance is changed
 * @throws TypeError, RangeError when an option is unknown or out of range
 * @example
 * const stream = endless({ window: 16, far: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 944
 */
export function endless(options: EndlessOptions = {}): (shape: Shape) => Tiers {
  const { window, sinks, far, halvedAfter, clamp, most, buffer, store, near } = settled(options)
  return (shape) => {
    checkHead(KIND, shape, CAN)
    const held = [
      windowTier({ count: window, store: near?.store }),
      sinksTier({ count: sinks, store: near?.store }),
      farKeys({ count: far, halvedAfter, store: store?.store }),
    ] as const
    return tiers({
      ...shape,
      ...(shape.rotary && { positions: shape.positions ?? { clamp } }),
      parts: most > 0 ? [...held, (own) => closureStream({ ...own, most })] : held,
      buffer,
      waiting: near?.waiting,
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
  usual: {},
  make: (shape, options) => endless(options)(shape),
  bytes(shape, options, traffic) {
    const { window, sinks, far, halvedAfter, store, near, most, buffer } = settled(options)
    return (
      windowMethod.tierBytes(shape, { count: window, store: near?.store }, traffic, buffer) +
      sinksMethod.tierBytes(shape, { count: sinks, store: near?.store }, traffic, buffer) +
      farKeysMethod.tierBytes(shape, { count: far, halvedAfter, store: store?.store }, traffic, buffer) +
      (most > 0 ? closureMethod.bytes(shape, { most }, traffic) : 0) +
      waitingBytes(shape, buffer, traffic.weighted ?? false, near?.waiting)
    )
  },
  within(shape, budgetBytes, traffic) {
    const buffer = bufferWithin(budgetBytes, shape)
    const optionsOf = (window: number) => ({
      window,
      far: Math.min(MOST_FAR, Math.ceil(window / WINDOW_A_KEY)),
      buffer,
    })
    const bytes = (window: number) => endlessMethod.bytes(shape, optionsOf(window), traffic)
    const window = largestWithin(bytes, budgetBytes, { most: Math.min(2 ** 29, Math.max(1, traffic.tokens)) })
    return window === undefined ? undefined : optionsOf(window)
  },
  atRate(_, options, rate) {
    const own = settled(options)
    const scaled = (count: number) => Math.max(1, Math.round(count * rate))
    const sizes = {
      window: scaled(own.window),
      far: scaled(own.far),
      buffer: scaled(own.buffer),
      most: own.most * rate,
      halvedAfter: own.halvedAfter * rate,
    }
    return { ...options, ...sizes, clamp: own.clamp }
  },
  open: restoreEndless,
}

function settled(options: EndlessOptions) {
  checkOptions(KIND, options, NAMES)
  const { window = 640, sinks = 4, far = 128, halvedAfter = 100_000, store = FEW, near = EIGHT } = options
  const { clamp = window, most = 0, buffer = 64 } = options // the best within 64 kB of a head, of those searched in docs/reading-without-end.md
  for (const [name, count] of Object.entries({ window, sinks, far })) checkInteger(KIND, name, count, 1)
  checkInteger(KIND, 'clamp', clamp, 0)
  checkInteger(KIND, 'buffer', buffer, 1, 64)
  checkFinite(KIND, 'most', most)
  checkAge(KIND, halvedAfter)
  if (most < 0) throw new RangeError(`${KIND}: most must be at least 0, got ${most}`)
  return { window, sinks, far, halvedAfter, store: storeOf(store), near: storeOf(near), clamp, most, buffer }
}

/** How tokens are held; those that wait in codes from the first on, which is their centre: no answer depends on what comes later. */
function storeOf(bits: Bits | 'float32') {
  return bits === 'float32' ? undefined : { store: quantised(bits), waiting: quantised({ ...bits, first: 0 }) }
}
