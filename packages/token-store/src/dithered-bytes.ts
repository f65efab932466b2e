import { roomFor } from './coded-tokens'
import { ditherCodec } from './dither-codec'
import type { HeldTokensOptions } from './token-store'

/** Bytes held for so many tokens, at most `most` of them: their codes and numbers, the two centres and the next number. */
export function ditheredBytes(
  { d, dv, most, keyBits, valueBits }: HeldTokensOptions & { readonly keyBits: number; readonly valueBits: number },
  tokens: number,
  weighted: boolean,
): number {
  const { bytes } = ditherCodec({ d, dv, keyBits, valueBits }, [0, 0])
  return (bytes + (weighted ? 8 : 0)) * roomFor(tokens, most) + 4 * (d + dv) + 8
}
