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
  checkCrowd,
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
const NAMES = ['window', 'sinks', 'far', 'halvedAfter', 'crowd', 'store', 'near', 'clamp', 'most', 'buffer']
/**
 * Where a budget is shared out: the most far keys, and the window tokens that come before each far key; with more far keys the newest tokens lose attention.
 */
const MOST_FAR = 128
const WINDOW_A_KEY = 4
const EIGHT: Bits = { keyBits: 8, valueBits: 8 }
const FEW: Bits = { keyBits: 6, valueBits: 4 }

export interface Bits {
  readonly keyBits: number
  readonly valueBits: number
}

export interface EndlessOptions {
  /** Number of newest tokens, turned by their places in the text. Default 640. */
  readonly window?: number | undefined
  /** Number of first tokens of the text, which are kept for good. Default 4. */
  readonly sinks?: number | undefined
  /** Number of far keys. Default 128. */
  readonly far?: number | undefined
  /** Number of tokens after which the squared distance of a far key counts for half: old keys make room for new ones. Infinity: never. Default 100,000. */
  readonly halvedAfter?: number | undefined
  /** Power at which a crowd of far keys counts, 0 to 1: n that a query sees alike count for n^crowd tokens, and one that stands out in full. Default 0.8. */
  readonly crowd?: number | undefined
  /** Bits of far keys and of their values, 2 to 8, or 'float32'. Default: 6 and 4. */
  readonly store?: Bits | 'float32' | undefined
  /**
   * Bits of the window, the sinks and the waiting tokens, or 'float32'. Default: 8 and 8, which hold four times as many tokens and lost nothing that was measured.
   */
  readonly near?: Bits | 'float32' | undefined
  /** Distance from the query, in places, at which everything behind the window stands. Default: `window`. */
  readonly clamp?: number | undefined
  /** Most tokens that the summary of the rest counts for. With 0 nothing is summed up: tokens that leave the far keys are forgotten. Default 0. */
  readonly most?: number | undefined
  /** Number of tokens that wait, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Makes streams for reading without end: a window at the text's own places; behind it first tokens, far keys and a Gaussian closure of the rest, which are held
 * unrotated and asked from one distance. The mass of the rest never exceeds that of `most` tokens. So a model reads far beyond the length that it was trained
 * on, in memory that does not grow.
 * Source: not from the papers. One distance for all old tokens: LM-Infinite (2023) and ReRoPE, which hold exact caches; sinks: Xiao et al. (2023).
 *
 * Guarantee: exact over the tokens held, as their bits round them. Tokens that leave the far keys are forgotten; or, with `most`, they are summed up once, and
 *   keep their weight until the mass of the rest reaches `most`. Merging is 'none' with `rotary`.
 * Cost: the bytes of the stores, 4·(d + dv) a token in float32 and a quarter of that in 8 bits; 4 more for a far key that fades; those of a closure with
 *   `most`. A token is turned twice more on its way out of the window, and a query once more.
 *
 * @returns a function that makes the stream of a shape; in a shape without `rotary`, keys are used as they come and no distance is changed
 * @throws TypeError, RangeError when an option is unknown or out of range
 * @example
 * const stream = endless({ window: 16, far: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 944
 */
export function endless(options: EndlessOptions = {}): (shape: Shape) => Tiers {
  const { window, sinks, far, halvedAfter, crowd, clamp, most, buffer, store, near } = settled(options)
  return (shape) => {
    checkHead(KIND, shape, CAN)
    const held = [
      windowTier({ count: window, store: near?.store }),
      sinksTier({ count: sinks, store: near?.store }),
      farKeys({ count: far, halvedAfter, crowd, store: store?.store }),
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

/** Restores an endless stream from its snapshot; it goes on bit for bit. `open` restores a part. @throws RangeError as restoreTiers does */
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
  const { window = 640, sinks = 4, far = 128, halvedAfter = 100_000, crowd = 0.8, store = FEW, near = EIGHT } = options
  const { clamp = window, most = 0, buffer = 64 } = options // the best within 64 kB a head among those tried in docs/reading-without-end.md
  for (const [name, count] of Object.entries({ window, sinks, far })) checkInteger(KIND, name, count, 1)
  checkInteger(KIND, 'clamp', clamp, 0)
  checkInteger(KIND, 'buffer', buffer, 1, 64)
  checkFinite(KIND, 'most', most)
  checkAge(KIND, halvedAfter)
  checkCrowd(KIND, crowd)
  if (most < 0) throw new RangeError(`${KIND}: most must be at least 0, got ${most}`)
  return { window, sinks, far, halvedAfter, crowd, store: storeOf(store), near: storeOf(near), clamp, most, buffer }
}

/** The store of tokens. Waiting tokens are in codes from the first token on, which is also their centre: no answer depends on later tokens. */
function storeOf(bits: Bits | 'float32') {
  return bits === 'float32' ? undefined : { store: quantised(bits), waiting: quantised({ ...bits, first: 0 }) }
}
