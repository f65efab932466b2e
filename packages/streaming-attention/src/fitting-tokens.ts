import type { FeatureMap, Matrix } from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

/** Beside a feature above this one, a feature of 1 is below the last bit of float32: such a key outweighs ordinary keys in every sum. */
const LARGE_FEATURE = 2 ** 24
/** Largest sum: when another block is added without a check, it still stays within float32. */
const LARGEST_SUM = 2 ** 126
/**
 * Keys are checked one by one where an entry times √scale is above this. Below it, a monomial of degree 6 is below LARGE_FEATURE, and one of degree 20
 * below 2^50.
 */
const ORDINARY_KEY = 16
/** Weights times values below this bound cannot leave float32 beside such keys, in 2^38 tokens. */
const ORDINARY_VALUE = 2 ** 40

/** A block of tokens in the kernels' memory. */
export interface Tokens {
  readonly keys: Resident<Float32Array> // count × d
  readonly values: Resident<Float32Array> // count × dv
  readonly weights?: Float32Array | undefined // count
  readonly count: number
}

/** Finds the tokens of a block that a state in float32 can take in, by their features, before anything is added. */
export interface FittingTokens {
  /**
   * Sets the features of tokens that would make a sum leave float32 to 0.
   *
   * @param phi  t × count: the features
   * @param sums  the largest sum so far
   * @returns the tokens left out, if any
   */
  only(phi: Resident<Float32Array>, tokens: Tokens, sums: () => number): ReadonlySet<number> | undefined
  /** Keys seen with a feature above 2^24; tokens left out. */
  readonly counters: { beyond: number; left: number }
}

/** Makes the check for a map. Cost: a look at the largest entries of keys and values; where a key is not ordinary, a look at every feature. */
export function fittingTokens(features: FeatureMap, dv: number): FittingTokens {
  const { d, t, scale } = features
  const counters = { beyond: 0, left: 0 }
  const unit = Math.sqrt(Math.abs(scale))
  let isFar: boolean | undefined
  /** Whether a key of zeros is far from the map's centre: the size of a key then says nothing. */
  const isCentreFar = () => (isFar ??= !(largest(featuresOfZero(features)) <= ORDINARY_KEY ** 2))

  return {
    counters,
    only(phi, { keys, values, weights, count }, sums) {
      const { largestMagnitude } = kernels()
      const most = (weights?.reduce((a, b) => Math.max(a, b), 0) ?? 1) * largestMagnitude(values, count * dv)
      const isOrdinary = unit * largestMagnitude(keys, count * d) <= ORDINARY_KEY && most <= ORDINARY_VALUE
      if (isOrdinary && !isCentreFar()) return undefined
      const top = largestMagnitude(phi, t * count)
      if (top <= LARGE_FEATURE && most <= ORDINARY_VALUE) return undefined
      const all = phi.range(0, t * count).read()
      const held = values.range(0, count * dv).read()
      const left = new Set<number>()
      let sum = sums()
      for (let j = 0; j < count; j++) {
        let feature = 0
        for (let at = j; at < all.length; at += count) {
          const own = Math.abs(all[at])
          if (!(own <= feature)) feature = own // true also where it is NaN
        }
        if (!(feature <= LARGE_FEATURE)) counters.beyond++
        const value = largest(held.subarray(j * dv, (j + 1) * dv))
        const after = sum + feature * (weights?.[j] ?? 1) * Math.max(1, value)
        if (after <= LARGEST_SUM) sum = after
        else left.add(j)
      }
      if (left.size === 0) return undefined
      counters.left += left.size
      for (const j of left) for (let at = j; at < all.length; at += count) all[at] = 0
      phi.write(all)
      return left
    },
  }
}

function featuresOfZero(features: FeatureMap): Float32Array {
  const { d, t } = features
  const out: Matrix = { rows: 1, cols: t, data: new Float32Array(t) }
  features.mapKeys({ rows: 1, cols: d, data: new Float32Array(d) }, out)
  return out.data
}

/** Largest magnitude; NaN where any entry is. */
function largest(x: Float32Array): number {
  let found = 0
  for (const entry of x) if (!(Math.abs(entry) <= found)) found = Math.abs(entry)
  return found
}
