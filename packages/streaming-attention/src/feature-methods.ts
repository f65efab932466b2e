import {
  checkHead,
  checkOptions,
  decodeSnapshot,
  FRAME_FEATURES,
  headOf,
  type FeatureMap,
  type Method,
  type Pilot,
  type Shape,
} from '@sublinear/core'
import {
  anisotropicFeatures,
  featureDimension,
  MOST_DEGREE,
  restoreFeatures,
  taylorFeatures,
} from '@sublinear/poly-features'
import { featureStream, featureStreamBytes, restoreFeatureStream, type FeatureStream } from './feature-stream'

/** Highest degree of all monomials: higher ones take longer than a user would wait. */
const MOST_TAYLOR = 4
const MOST_FEATURES = 512
/** Width from which on there are more monomials than any map may have. */
const WIDE = 16

/** The feature map of a stream, by its spec: plain JSON, like the options of every method. */
export interface FeatureOptions {
  readonly features: string
}

/** Chooses a map for a budget, as large as `fits` allows; undefined where none does. */
type Choice = (shape: Shape, fits: (features: FeatureMap) => boolean, pilot?: Pilot) => FeatureMap | undefined

/** Opens a feature stream of any map of poly-features from its snapshot. */
export function openFeatureStream(bytes: Uint8Array): FeatureStream {
  const { kind, parameters } = decodeSnapshot(bytes)
  return restoreFeatureStream(restoreFeatures(parameters['features'] ?? ''), bytes, kind)
}

function featureMethod(name: string, source: string, choose: Choice): Method<FeatureOptions> {
  return {
    name,
    source,
    learns: 'pilot',
    can: FRAME_FEATURES,
    make(shape, options) {
      checkOptions(name, options, ['features'])
      const map = restoreFeatures(options.features)
      checkHead(name, shape, FRAME_FEATURES)
      return featureStream({ features: map, dv: shape.dv, name, ...headOf(shape) })
    },
    bytes: ({ dv }, { features }, { tokens, weighted = false }) =>
      featureStreamBytes(restoreFeatures(features), dv, weighted, tokens),
    within(shape, budgetBytes, { tokens, weighted = false }, pilot) {
      if (!(shape.scale > 0)) return undefined
      const fits = (features: FeatureMap) => featureStreamBytes(features, shape.dv, weighted, tokens) <= budgetBytes
      const features = choose(shape, fits, pilot)
      return features && { features: features.spec }
    },
    open: openFeatureStream,
  }
}

/** Monomials of the largest degree that fits, at most 4; keys centred at the pilot's mean. */
export const taylorMethod = featureMethod(
  'taylor',
  'Lemma 3.1 and Definition 1.1 (one-pass paper)',
  ({ d, dv, scale }, fits, pilot) => {
    const centre = pilot && meanRow(pilot)
    for (let degree = MOST_TAYLOR; degree >= 0; degree--) {
      if (featureDimension(d, degree) * dv > 2 ** 28) continue // no array has so many numbers
      const features = taylorFeatures({ d, degree, scale, ...(centre && { centre }) })
      if (fits(features)) return features
    }
    return undefined
  },
)

/** Monomials of the directions that the pilot uses, as many as fit, at most 512. */
export const anisotropicMethod = featureMethod(
  'anisotropic',
  'not from the papers: monomials of the principal directions of a pilot',
  ({ d, scale }, fits, pilot) => {
    if (!pilot) return undefined
    const made = (t: number) => anisotropicFeatures({ pilotKeys: pilot.keys, pilotQueries: pilot.queries, t, scale })
    const most = d < WIDE ? Math.min(MOST_FEATURES, featureDimension(d, MOST_DEGREE)) : MOST_FEATURES
    const largest = made(most)
    if (fits(largest)) return largest
    let found = made(1)
    if (!fits(found)) return undefined
    let [low, high] = [1, most]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      const tried = made(middle)
      if (fits(tried)) [low, found] = [middle, tried]
      else high = middle
    }
    return found
  },
)

function meanRow({ keys: { rows, cols, data } }: Pilot): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols] += data[i]
  return Float32Array.from(total, (x) => x / rows)
}
