import type { FeatureMap } from '@sublinear/core'
import { taylorFeatures, type TaylorFeatures } from './taylor-features'

/**
 * The feature map that a `spec` describes, as a snapshot carries it.
 *
 * @throws RangeError when the text is no spec of a map of this package
 */
export function restoreFeatures(spec: string): FeatureMap {
  let read: unknown
  try {
    read = JSON.parse(spec)
  } catch {
    throw new RangeError('restoreFeatures: the spec is not JSON')
  }
  if (typeof read !== 'object' || read === null || !('kind' in read) || read.kind !== 'taylor') {
    throw new RangeError('restoreFeatures: the spec names no feature map of this package')
  }
  const { d, degree, scale, centre } = read as Partial<Record<keyof TaylorFeatures, unknown>>
  const map = taylorFeatures({
    d: d as number, // checked there
    degree: degree as number,
    scale: scale as number,
    ...(Array.isArray(centre) && { centre: Float32Array.from(centre as number[]) }),
  })
  if (map.spec !== spec)
    throw new RangeError(`restoreFeatures: the spec must be as a map gives it, ${map.spec.slice(0, 200)}`)
  return map
}
