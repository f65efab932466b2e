import { checkFinite, checkInteger, checkKeys, checkScale, readBy, type FeatureMap } from '@sublinear/core'
import { anisotropicMap } from './anisotropic-map'
import { readAnisotropy } from './anisotropic-spec'
import { decodeFloats } from './base64'
import { minimaxFeatures } from './minimax-features'
import { nystromMap } from './nystrom-features'
import { randomFeatures } from './random-features'
import { taylorFeatures } from './taylor-features'
import { specSchemas } from './spec-schemas'
import { tensorSketchFeatures } from './tensor-sketch-features'
import { trigonometricFeatures } from './trigonometric-features'

type Fields = Readonly<Record<string, unknown>>

const kinds: Readonly<Record<string, (fields: Fields) => FeatureMap>> = {
  // Makers of the maps by kind; each factory checks its options.
  taylor: ({ d, degree, scale, ...rest }) => taylorFeatures({ d, degree, scale, ...centreOf(rest) } as never),
  minimax: ({ d, degree, radius, scale, ...rest }) =>
    minimaxFeatures({ d, degree, radius, scale, ...centreOf(rest) } as never),
  anisotropic: (fields) => anisotropicMap('anisotropicFeatures', readAnisotropy('restoreFeatures', fields)),
  random: ({ d, t, scale, seed, orthogonal }) =>
    randomFeatures({ d, t, scale, seed: seedOf(seed), orthogonal } as never),
  'tensor-sketch': ({ d, degree, t, scale, seed }) =>
    tensorSketchFeatures({ d, degree, t, scale, seed: seedOf(seed) } as never),
  trigonometric: ({ d, t, scale, seed }) => trigonometricFeatures({ d, t, scale, seed: seedOf(seed) } as never),
  nystrom({ d, t, scale, centre, landmarks }) {
    const who = 'restoreFeatures'
    checkInteger(who, 'd', d, 1, 2 ** 20)
    checkInteger(who, 't', t, 2, 4096)
    checkFinite(who, 'scale', scale, 0)
    checkScale(who, scale)
    const map = {
      d,
      scale,
      centre: decodeFloats(who, 'centre', centre, d),
      landmarks: decodeFloats(who, 'landmarks', landmarks, (t - 1) * d),
    }
    for (const name of ['centre', 'landmarks'] as const)
      checkKeys(who, name, { rows: map[name].length / d, cols: d, data: map[name] })
    return nystromMap(map)
  },
}

/**
 * Makes the feature map that a `spec` describes, as a snapshot carries it.
 *
 * @throws RangeError when the text is no spec of a map of this package; sizes are checked before anything is allocated
 */
export function restoreFeatures(spec: string): FeatureMap {
  const fields = readSpec('restoreFeatures', spec)
  const map = made(fields)
  if (map.spec !== spec)
    throw new RangeError(`restoreFeatures: the spec must be as a map gives it, ${map.spec.slice(0, 200)}`)
  return map
}

/** Makes the map of these fields. A field of a wrong type is a fault of the text, not of the caller: a RangeError. */
function made(fields: Fields & { readonly kind: string }): FeatureMap {
  const { kind, ...own } = fields
  const parameters = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)]))
  readBy('restoreFeatures', specSchemas[kind], { kind, version: '', parameters, tensors: new Map() })
  try {
    return kinds[kind](fields)
  } catch (error) {
    throw error instanceof RangeError ? error : new RangeError((error as Error).message, { cause: error })
  }
}

/** The fields of a spec of one of this package's kinds; nothing else is checked. */
export function readSpec(who: string, spec: string): Fields & { readonly kind: string } {
  let read: unknown
  try {
    read = JSON.parse(spec)
  } catch {
    throw new RangeError(`${who}: the spec is not JSON`)
  }
  if (typeof read !== 'object' || read === null || !('kind' in read) || !isKind(read.kind)) {
    throw new RangeError(`${who}: the spec names no feature map of this package`)
  }
  return read as Fields & { readonly kind: string }
}

const isKind = (kind: unknown) => typeof kind === 'string' && Object.hasOwn(kinds, kind)

/** A centre in the form that the factories take. */
const centreOf = ({ centre }: Fields) =>
  Array.isArray(centre) ? { centre: Float32Array.from(centre as number[]) } : {}

/** Reads a seed, which is written as a decimal string, since 64 bits are more than a JSON number holds. */
function seedOf(seed: unknown): bigint {
  if (typeof seed !== 'string' || !/^\d{1,20}$/.test(seed))
    throw new RangeError('restoreFeatures: seed must be a decimal string')
  return BigInt(seed)
}
