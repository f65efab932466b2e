import { checkHead } from './check-head'
import type { Shape } from './contracts'
import { HEAD_FEATURES, headOf, type Head, type HeadFeature } from './head'
import { COUNT, FINITE, readBy, schema } from './schema'
import type { Snapshot } from './snapshot'

/** The parameters of a snapshot that describe a shape, its features with it. */
export function shapeParameters(shape: Shape): Record<string, string> {
  const { d, dv, scale } = shape
  return { d: String(d), dv: String(dv), scale: String(scale), ...headParameters(shape) }
}

/** The parameter `head`, which describes the features of a shape; absent where it has none. */
export function headParameters(shape: Head): Record<string, string> {
  const head = headOf(shape)
  return Object.keys(head).length > 0 ? { head: JSON.stringify(head) } : {}
}

/** Schema of a stream's shape and count of tokens, as every snapshot of a stream has them. */
export const shapeSchema = schema({
  parameters: { d: { whole: true, least: 1 }, dv: { whole: true, least: 1 }, scale: FINITE, tokens: COUNT },
})

/**
 * Reads the shape from a snapshot, features included.
 *
 * @throws RangeError when it is malformed, or has features that the stream cannot compute
 */
export function shapeIn(kind: string, snapshot: Snapshot, can: readonly HeadFeature[]): Shape {
  const { d, dv, scale } = readBy(kind, shapeSchema, snapshot).parameters
  const shape = { d, dv, scale, ...headIn(kind, snapshot) }
  try {
    checkHead(kind, shape, can)
  } catch (error) {
    throw error instanceof RangeError ? error : new RangeError((error as Error).message, { cause: error })
  }
  return shape
}

/** Reads the features from a snapshot; only their names are checked. @throws RangeError when the parameter is malformed */
export function headIn(kind: string, { parameters }: Pick<Snapshot, 'parameters'>): Head {
  const json = parameters['head']
  if (json === undefined) return {}
  let found: unknown
  try {
    found = JSON.parse(json)
  } catch {
    found = undefined
  }
  const isHead =
    typeof found === 'object' &&
    found !== null &&
    Object.keys(found).length > 0 &&
    Object.keys(found).every((name) => (HEAD_FEATURES as readonly string[]).includes(name))
  if (!isHead || JSON.stringify(headOf(found as Head)) !== json)
    throw new RangeError(`${kind}: the snapshot does not say what its head computes, got ${json}`)
  return found as Head
}
