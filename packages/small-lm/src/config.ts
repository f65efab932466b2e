import { checkFinite, checkInteger } from '@sublinear/core'

/** Sizes and rules of the forward pass. */
export interface ModelConfig {
  readonly layers: number
  readonly heads: number
  /** Width of a head. */
  readonly d: number
  /** Width of the residual stream. */
  readonly width: number
  /** Width of the feed-forward layer. */
  readonly hidden: number
  readonly vocabulary: number
  /** Base of the rotary position embedding. */
  readonly ropeBase: number
  /** Number that layer norm adds to the variance. */
  readonly epsilon: number
  /** Bound that no score exceeds: queries and keys are scaled to length √(bound·√d) after the rotation. Absent: they keep their lengths. */
  readonly logitBound?: number
  /** Length of the longest text that the model was trained on, in tokens. */
  readonly trainedContext: number
}

/**
 * Reads the config that a weight file carries as JSON.
 *
 * @throws TypeError, RangeError when a size is missing or out of bounds
 */
export function parseConfig(who: string, text: string | undefined): ModelConfig {
  const value = parseJson(who, 'config', text)
  if (typeof value !== 'object' || value === null) throw new TypeError(`${who}: config must be an object`)
  const given = value as Record<keyof ModelConfig, unknown>
  const { layers, heads, d, width, hidden, vocabulary, trainedContext, ropeBase, epsilon, logitBound } = given
  checkInteger(who, 'layers', layers, 1, 1024)
  checkInteger(who, 'heads', heads, 1, 1024)
  checkInteger(who, 'd', d, 2, 1024)
  if (d % 2 !== 0) throw new RangeError(`${who}: d must be even, got ${d}`)
  checkInteger(who, 'width', width, 1, 65536)
  checkInteger(who, 'hidden', hidden, 1, 262144)
  checkInteger(who, 'vocabulary', vocabulary, 257, 65536)
  checkInteger(who, 'trainedContext', trainedContext, 1)
  checkFinite(who, 'ropeBase', ropeBase, 1)
  checkFinite(who, 'epsilon', epsilon, 0)
  const sizes = { layers, heads, d, width, hidden, vocabulary, ropeBase, epsilon, trainedContext }
  if (logitBound === undefined) return sizes
  checkFinite(who, 'logitBound', logitBound, 0)
  return { ...sizes, logitBound }
}

/** Reads JSON in a weight file's metadata. */
export function parseJson(who: string, name: string, text: string | undefined): unknown {
  if (text === undefined) throw new RangeError(`${who}: the file has no ${name}`)
  try {
    return JSON.parse(text)
  } catch {
    throw new RangeError(`${who}: ${name} is no JSON`)
  }
}
