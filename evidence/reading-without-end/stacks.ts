import { endless, exactStream, policies, tiers } from '@sublinear/attention'
import { unrotated, type HeadSpec } from '@sublinear/small-lm'

/** Bits of keys and values. */
export type Bits = readonly [keyBits: number, valueBits: number]

/** A window and what stands behind it: the choices of the search. */
export interface Stack {
  readonly window: number
  readonly sinks: number
  /** Far keys. */
  readonly far: number
  /** Tokens after which their squared distances count for half. Default: never. */
  readonly halvedAfter?: number
  /** Power at which a crowd of far keys counts. Default: 1, where all count in full. */
  readonly crowd?: number
  /** How far keys are held. Default: float32. */
  readonly farBits?: Bits
  /** How sinks, window and waiting tokens are held. Default: float32. */
  readonly nearBits?: Bits
  readonly clamp: number
  /** The most tokens that the closure counts for. 0: no closure. */
  readonly most: number
  /** Tokens that wait. */
  readonly buffer: number
}

const bits = ([keyBits, valueBits]: Bits) => ({ keyBits, valueBits })

/** Spec of what all heads remember with. */
export function specOf({ farBits, nearBits, halvedAfter = Infinity, crowd = 1, ...stack }: Stack): HeadSpec {
  const [store, near] = [farBits, nearBits].map((pair) => (pair ? bits(pair) : 'float32'))
  return unrotated(endless({ ...stack, halvedAfter, crowd, store, near }))
}

/** Exact attention to the newest tokens alone, in the bytes of so many. */
export const windowOnly = (count: number): HeadSpec =>
  unrotated((shape) => tiers({ ...shape, parts: [policies.window({ count: count - 64 })] }))

/** First tokens and a window, at their places in the cache: StreamingLLM. */
export const sinksAndWindow = (count: number): HeadSpec =>
  unrotated((shape) =>
    tiers({
      ...shape,
      positions: 'cache',
      parts: [policies.sinks({ count: 4 }), policies.window({ count: count - 68 })],
    }),
  )

export const everything: HeadSpec = exactStream
