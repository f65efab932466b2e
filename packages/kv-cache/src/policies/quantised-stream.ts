import { checkInteger, checkOptions, HELD_FEATURES, type Shape, type TierMethod, type Traffic } from '@sublinear/core'
import {
  quantised,
  waitingBytes,
  type HeldTokens,
  type QuantisedOptions,
  type TokenStore,
} from '@sublinear/token-store'
import { bufferWithin } from '../tier-method'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'

const KIND = 'quantised'
/** Count of tokens for which no memory has room: the tier keeps all. */
const COUNT = 2 ** 31
const BUFFER = 64
const [LEAST_BITS, MOST_BITS] = [2, 8]
/** Most first tokens that are held exactly by default. */
const MOST_FIRST = 256

export interface QuantisedStreamOptions extends Omit<QuantisedOptions, 'dither'> {
  /** Tokens that wait where the tier stands alone, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * The growing key-value cache in few bits an entry: every token is held, as `quantised` holds it.
 * Policies that choose tokens should be compared with it at equal bytes.
 * Source: KIVI, QuaRot and the like.
 *
 * Guarantee: exact over all tokens as the store holds them. Merging is 'ordered'; it rounds the later stream's tokens once more.
 * Cost: the bytes of the store: ⌈d·keyBits/8⌉ + ⌈dv·valueBits/8⌉ + 4 a token. Alone, up to `buffer` tokens wait in float32.
 *
 * @param keyBits, valueBits, seed, first  as in `quantised`; buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError as quantised does
 * @example
 * const stream = quantisedStream({ keyBits: 6, valueBits: 4 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 2048
 */
export function quantisedStream(given: QuantisedStreamOptions): (shape: Shape) => TokenTier {
  checkOptions(KIND, given, ['keyBits', 'valueBits', 'seed', 'first', 'buffer'])
  const { buffer = BUFFER } = given
  const store = storeOf(given)
  checkInteger(KIND, 'buffer', buffer, 1, BUFFER)
  return (shape) => tokenTier({ ...shape, kind: KIND, count: COUNT, store, buffer, merging: 'ordered', policy: all })
}

/** Restores a quantised stream from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreQuantisedStream(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  checkInteger(KIND, 'count', options.count, COUNT, COUNT)
  return tokenTier({ ...options, kind: KIND, merging: 'ordered', policy: all }, snapshot)
}

export const quantisedMethod: TierMethod<QuantisedStreamOptions> = {
  name: KIND,
  source: 'KIVI (2024), QuaRot (2024), TurboQuant (2025) and the like',
  learns: 'nothing',
  can: HELD_FEATURES,
  tier: quantisedStream,
  make: (shape, options) => quantisedStream(options)(shape),
  bytes(shape, options, traffic) {
    const { buffer = BUFFER } = options
    const { tokens, weighted = false } = traffic
    return (
      storedBytes(shape, options, { ...traffic, tokens: storedOf(tokens, buffer) }) +
      waitingBytes(shape, buffer, weighted)
    )
  },
  tierBytes: storedBytes,
  within(shape, budgetBytes, traffic) {
    const buffer = bufferWithin(budgetBytes, shape)
    for (let bits = 2 * MOST_BITS; bits >= 2 * LEAST_BITS; bits--) {
      const options = firstFitting(
        shape,
        { keyBits: Math.ceil(bits / 2), valueBits: Math.floor(bits / 2), buffer },
        traffic,
      )
      if (quantisedMethod.bytes(shape, options, traffic) <= budgetBytes) return options
    }
    return undefined
  },
  open: restoreQuantisedStream,
}

/** The number of tokens that have left the buffer when the last of `tokens` has come. */
function storedOf(tokens: number, buffer: number): number {
  return tokens - (((tokens - 1) % buffer) + 1)
}

/** The number of first tokens held exactly: fewer for a short stream, so that these never take more bytes than all tokens will take in codes. */
function firstFitting(
  shape: Shape,
  options: QuantisedStreamOptions & { readonly buffer: number },
  traffic: Traffic,
): QuantisedStreamOptions {
  const tokens = storedOf(traffic.tokens, options.buffer)
  const coded = storedBytes(shape, { ...options, first: 1 }, { ...traffic, tokens })
  const first = Math.max(1, Math.floor(coded / (4 * (shape.d + shape.dv))))
  return first < MOST_FIRST ? { ...options, first } : options
}

function storedBytes(shape: Shape, options: QuantisedStreamOptions, { tokens, weighted = false }: Traffic): number {
  if (!(tokens < Infinity)) return Infinity
  return storeOf(options).bytes({ ...shape, most: COUNT }, Math.max(0, tokens), weighted)
}

function storeOf({ keyBits, valueBits, seed, first }: QuantisedStreamOptions): TokenStore {
  const bits = { keyBits, valueBits, ...(seed !== undefined && { seed }) }
  return quantised({ ...bits, ...(first !== undefined && { first }) })
}

function all(held: HeldTokens): Policy {
  return {
    admit(block) {
      held.write(block, 0, block.keys.rows, held.count)
      return undefined
    },
    inOrder: () => held.read(),
  }
}
