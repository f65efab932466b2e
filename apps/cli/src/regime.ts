/** Kinds of heads, by the spread of their scores; methods that work in few bytes differ from kind to kind. */
export type Regime = 'bounded and diffuse' | 'diffuse with far keys' | 'sharp'

/** Number of keys: rows whose attention is spread over fewer are sharp. */
export const FEW_KEYS = 64
/** Bound on scores less that of the mean key; a head within it is bounded. */
export const BOUNDED = 10

/**
 * The regime of a head.
 *
 * @param effectiveKeys  e^entropy of a row, mean; centredScores  smallest and largest score less that of the mean key
 */
export function regimeOf({
  effectiveKeys,
  centredScores: [low, high],
}: {
  readonly effectiveKeys: number
  readonly centredScores: readonly [number, number]
}): Regime {
  if (effectiveKeys < FEW_KEYS) return 'sharp'
  return Math.max(-low, high) <= BOUNDED ? 'bounded and diffuse' : 'diffuse with far keys'
}

/** Figures measured on heads of a regime: medians over the heads of the relative error, by budget and stream. */
export interface RegimeFigures {
  readonly heads: number
  readonly errors: Readonly<Record<string, Readonly<Record<string, number>>>>
}
