import {
  checkHead,
  FRAME_FEATURES,
  headOf,
  largestWithin,
  type AttentionStream,
  type Method,
  type Shape,
} from '@sublinear/core'
import {
  bufferAtRate,
  bufferWithin,
  farKeys,
  farKeysMethod,
  restoreTiers,
  tiers,
  type Tiers,
} from '@sublinear/kv-cache'
import { closureMethod, closureStream } from '@sublinear/streaming-attention'
import { quantised, waitingBytes } from '@sublinear/token-store'

const KIND = 'farClosure'
/** Bits of far keys in few bits. Keys need more than values, since their error passes through exp. */
const FEW_BITS = { keyBits: 6, valueBits: 4 }
const MOST_BUFFER = 64

export interface FarClosureOptions {
  /** Number of far keys. */
  readonly count: number
  /** Bits of keys and values of far keys, 2 to 8. Default: float32. */
  readonly keyBits?: number | undefined
  readonly valueBits?: number | undefined
  /** Number of tokens that wait before the far keys, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Makes a stream of far keys, with a Gaussian closure for all other tokens: memory that does not grow, for scores that are bounded.
 * Source: not from the papers; `farKeys` and `closureStream` as tiers.
 *
 * Guarantee: exact over the far keys, as their store rounds them; for the others, that of `closureStream`. Merging is 'none'.
 * Cost: that of its parts; 16 more tokens wait before the closure.
 *
 * @param d, dv, scale  the shape; count  number of far keys; keyBits, valueBits  bits of their entries; buffer  tokens that wait
 * @throws TypeError, RangeError when an option is out of range
 * @example
 * const stream = farClosure({ d: 2, dv: 2, scale: 1, count: 16 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1668
 */
export function farClosure(given: Shape & FarClosureOptions): Tiers {
  checkHead(KIND, given, FRAME_FEATURES, ['count', 'keyBits', 'valueBits', 'buffer'])
  const { d, dv, scale, ...options } = given
  const { buffer } = options
  const parts = [farKeys(farOptions(options)), closureStream] as const
  return tiers({ d, dv, scale, ...headOf(given), parts, name: KIND, ...(buffer !== undefined && { buffer }) })
}

/** Restores far keys and their closure from a snapshot; they go on bit for bit. `open` restores a part. @throws RangeError as restoreTiers does */
export function restoreFarClosure(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Tiers {
  return restoreTiers(bytes, open, KIND)
}

export const farClosureMethod: Method<FarClosureOptions> = {
  name: KIND,
  source: 'not from the papers',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => farClosure({ ...shape, ...options }),
  bytes(shape, options, traffic) {
    const { buffer = MOST_BUFFER } = options
    const far = farKeysMethod.tierBytes(shape, farOptions(options), traffic, buffer)
    return far + closureMethod.bytes(shape, {}, traffic) + waitingBytes(shape, buffer, traffic.weighted ?? false)
  },
  within(shape, budgetBytes, traffic) {
    const buffer = bufferWithin(budgetBytes, shape)
    const optionsOf = (count: number) => ({ ...FEW_BITS, count, buffer })
    const bytes = (count: number) => farClosureMethod.bytes(shape, optionsOf(count), traffic)
    const count = largestWithin(bytes, budgetBytes, { most: Math.min(2 ** 31, traffic.tokens) })
    return count === undefined ? undefined : optionsOf(count)
  },
  atRate(_, options, rate) {
    const { count, buffer = MOST_BUFFER } = options
    const waiting = bufferAtRate(buffer, rate)
    return { ...options, buffer: waiting, count: Math.max(1, Math.round(count * rate)) }
  },
  open: restoreFarClosure,
}

function farOptions({ count, keyBits, valueBits }: FarClosureOptions) {
  const isCoded = keyBits !== undefined || valueBits !== undefined
  const bits = { ...FEW_BITS, ...(keyBits && { keyBits }), ...(valueBits && { valueBits }) }
  return { count, ...(isCoded && { store: quantised(bits) }) }
}
