import { checkInteger, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { quantised, type QuantisedOptions } from './quantised'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from './token-tier'

const KIND = 'quantised'
/** More than memory has room for. */
const COUNT = 2 ** 31

/**
 * The growing key-value cache in few bits an entry: every token is held, as `quantised` holds it.
 * Source: KIVI, QuaRot and the like; what policies that choose tokens are to be compared with at equal bytes.
 *
 * @param keyBits, valueBits, seed  as quantised has them
 * @throws TypeError, RangeError as quantised
 * Guarantee: exact over all tokens as the store holds them. Merging is 'ordered': the later stream's tokens are rounded once more.
 * Cost: the store's bytes: ⌈d·keyBits/8⌉ + ⌈dv·valueBits/8⌉ + 4 a token. Alone, up to 64 tokens wait in float32.
 */
export function quantisedStream(options: QuantisedOptions): (shape: Shape) => TokenTier {
  const store = quantised(options)
  return (shape) => tokenTier({ ...shape, kind: KIND, count: COUNT, store, merging: 'ordered', policy: all })
}

/** A quantised stream from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreQuantisedStream(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  checkInteger(KIND, 'count', options.count, COUNT, COUNT)
  return tokenTier({ ...options, kind: KIND, merging: 'ordered', policy: all }, snapshot)
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
