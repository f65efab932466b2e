import { checkInteger, type KvBlock, type Matrix, type Shape, type Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { MOST_WEIGHT } from './blocks'
import { tierSnapshot, tokenTier, type Policy, type TokenTier, type TokenTierOptions } from './token-tier'
import { joinNearest, mergeClosest, type WeightedPoints } from './ward'

const KIND = 'clusters'

export interface ClustersOptions {
  readonly count: number
}

/**
 * Clusters of tokens by their keys, made as the stream goes: each is held as one token, its mean key and mean value, counting as often as
 * its tokens do.
 * Source: Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024), which opens a cluster for a key farther than a given
 *   radius from all others and keeps samples of each. Deviation: `count` is given and not the radius. Closeness is Ward's, w w′ / (w + w′)
 *   times the squared distance of the means; when there are too many clusters the closest merge until an eighth of the slots is free, and
 *   a token joins a cluster that is no farther than those were. Means stand for samples.
 *
 * @param count  clusters held, ≥ 1
 * @throws TypeError, RangeError when count is no integer ≥ 1
 * Guarantee: exact up to count tokens; from then on every cluster has the mean key, mean value and total weight of its tokens, so weights add
 *   up to all weights given (a cluster counts 2^53 at most). Nothing leaves: `admit` returns undefined, and merging is 'none'.
 *   Closeness is known to 1e-6 of the largest squared distance from the mean key: beside keys a thousand times farther out than others, those
 *   are all alike to it.
 * Cost: 4·(d + dv + 2) + 8 bytes a cluster; count·d operations a token, and count²·d each time that too many were opened.
 */
export function clusters({ count }: ClustersOptions): (shape: Shape) => TokenTier {
  checkInteger(KIND, 'count', count, 1)
  return (shape) => tokenTier({ ...shape, ...described(count) })
}

/** Clusters from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreClusters(bytes: Uint8Array): TokenTier {
  const { snapshot, count, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...described(count) }, snapshot)
}

function described(count: number): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return { kind: KIND, count, merging: 'none', policy: (held, snapshot) => merged(held, count, snapshot) }
}

function merged(held: HeldTokens, count: number, snapshot?: Snapshot): Policy {
  let { weights, radius } = restored(held, snapshot)
  const left = count - Math.floor(count / 8)

  return {
    get bytes() {
      return weights.byteLength
    },
    admit(block) {
      const { keys, values } = held.read()
      const clusters = { points: keys.data, values: values.data, weights }
      const fresh = pointsOf(block)
      const alone = radius > 0 ? joinNearest(fresh, clusters, radius) : Array.from(fresh.weights.keys())
      const all = {
        points: appended(keys, rowsAt(block.keys, alone)),
        values: appended(values, rowsAt(block.values, alone)),
        weights: Float64Array.of(...weights, ...alone.map((i) => fresh.weights[i]!)),
      }
      let stay: readonly number[] = Array.from(all.weights.keys())
      if (stay.length > count) {
        const { rows, most } = mergeClosest({ ...all, points: all.points.data, values: all.values.data }, left)
        stay = rows
        radius = most
      }
      weights = Float64Array.from(stay, (i) => all.weights[i]!)
      held.truncate(Math.min(held.count, stay.length))
      const means = { keys: rowsAt(all.points, stay), values: rowsAt(all.values, stay) }
      held.write({ ...means, weights: Float32Array.from(weights, heldWeight) }, 0, stay.length, 0)
      return undefined
    },
    saved: () => ({
      parameters: { radius: String(radius) },
      tensors: { counts: { dtype: 'F64', shape: [weights.length], data: weights } },
    }),
  }
}

/** Of a cluster, as a token. */
function heldWeight(weight: number): number {
  return Math.min(MOST_WEIGHT, weight)
}

function pointsOf({ keys, values, weights }: KvBlock): WeightedPoints {
  return {
    points: keys.data,
    values: values.data,
    weights: weights ? Float64Array.from(weights) : new Float64Array(keys.rows).fill(1),
  }
}

function appended(one: Matrix, other: Matrix): Matrix {
  const data = new Float32Array(one.data.length + other.data.length)
  data.set(one.data)
  data.set(other.data, one.data.length)
  return { rows: one.rows + other.rows, cols: one.cols, data }
}

function rowsAt(source: Matrix, places: readonly number[]): Matrix {
  const { cols } = source
  const data = new Float32Array(places.length * cols)
  for (const [i, place] of places.entries()) data.set(source.data.subarray(place * cols, (place + 1) * cols), i * cols)
  return { rows: places.length, cols, data }
}

function restored(held: HeldTokens, snapshot?: Snapshot): { readonly weights: Float64Array; readonly radius: number } {
  if (!snapshot) return { weights: new Float64Array(0), radius: 0 }
  const weights = snapshot.tensors.get('counts')?.data
  const radius = Number(snapshot.parameters['radius'])
  const fits =
    weights instanceof Float64Array &&
    weights.length === held.count &&
    weights.every((weight, i) => Math.fround(heldWeight(weight)) === (held.weights?.[i] ?? 1)) &&
    radius >= 0 &&
    radius < Infinity
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return { weights, radius }
}
