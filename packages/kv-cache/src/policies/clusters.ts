import {
  checkFits,
  MOST_WEIGHT,
  pickedRows,
  stackedRows,
  tensorsIn,
  type KvBlock,
  type Shape,
  type State,
} from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'
import { joinNearest, mergeClosest, type WeightedPoints } from './merge-closest'

const KIND = 'clusters'

export interface ClustersOptions {
  readonly count: number
  /** Tokens that wait where it stands alone, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Clusters of tokens by their keys, made as the stream goes: each is held as one token, its mean key and mean value, counting as often as
 * its tokens do.
 * Source: Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024), which opens a cluster for a key farther than a given
 *   radius from all others and keeps samples of each. Deviation: `count` is given and not the radius. Closeness is Ward's, w w′ / (w + w′)
 *   times the squared distance of the means; when there are too many clusters the closest merge until an eighth of the slots is free, and
 *   a token joins a cluster that is no farther than those were. Means stand for samples.
 *
 * Guarantee: exact up to count tokens; from then on every cluster has the mean key, mean value and total weight of its tokens, so weights add
 *   up to all weights given (a cluster counts 2^53 at most). Nothing leaves: `admit` returns undefined, and merging is 'none'.
 *   Closeness is known to 1e-6 of the largest squared distance from the mean key: beside keys a thousand times farther out than others, those
 *   are all alike to it.
 * Cost: 4·(d + dv + 2) + 8 bytes a cluster; count·d operations a token, and count²·d each time that too many were opened.
 *
 * @param count  clusters held, ≥ 1; buffer  tokens that wait where it stands alone (64)
 * @throws TypeError, RangeError when one is no such integer
 * @example
 * const stream = clusters({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1520
 */
export function clusters(options: ClustersOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => live(shape, options)
}

/** Clusters from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreClusters(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return live(options, options, snapshot)
}

export const clustersMethod = tokenMethod<ClustersOptions>({
  name: KIND,
  source: 'Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024); Ward (1963)',
  learns: 'nothing',
  tier: clusters,
  open: restoreClusters,
  weighs: true,
  beside: (_shape, _options, _traffic, held) => 8 * held,
})

function live(shape: Shape, { count, buffer }: ClustersOptions, snapshot?: State): TokenTier {
  const size = { count, ...(buffer !== undefined && { buffer }) }
  const policy = (held: HeldTokens, from?: { readonly snapshot: State }) => merged(held, count, from?.snapshot)
  return tokenTier(
    {
      ...shape,
      ...size,
      kind: KIND,
      merging: 'none',
      noBars: 'a cluster answers as its mean, and what that is off by is not kept',
      policy,
    },
    snapshot,
  )
}

function merged(held: HeldTokens, count: number, snapshot?: State): Policy {
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
        points: stackedRows([keys, pickedRows(block.keys, alone)]),
        values: stackedRows([values, pickedRows(block.values, alone)]),
        weights: joined(weights, alone, fresh.weights),
      }
      let stay: readonly number[] = Array.from(all.weights.keys())
      if (stay.length > count) {
        const { rows, most } = mergeClosest({ ...all, points: all.points.data, values: all.values.data }, left)
        stay = rows
        radius = most
      }
      weights = Float64Array.from(stay, (i) => all.weights[i])
      held.truncate(Math.min(held.count, stay.length))
      const means = { keys: pickedRows(all.points, stay), values: pickedRows(all.values, stay) }
      held.write({ ...means, weights: Float32Array.from(weights, heldWeight) }, 0, stay.length, 0)
      return undefined
    },
    saved: () => ({
      parameters: { radius: String(radius) },
      tensors: { counts: { dtype: 'F64', shape: [weights.length], data: weights } },
    }),
  }
}

/** Weights of all, and of these rows of others behind them. (No spread: an engine takes some 100,000 arguments.) */
function joined(weights: Float64Array, rows: readonly number[], others: ArrayLike<number>): Float64Array {
  const all = new Float64Array(weights.length + rows.length)
  all.set(weights)
  for (const [i, row] of rows.entries()) all[weights.length + i] = others[row]
  return all
}

/** The weight of a cluster as a token. */
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

function restored(held: HeldTokens, snapshot?: State): { readonly weights: Float64Array; readonly radius: number } {
  if (!snapshot) return { weights: new Float64Array(0), radius: 0 }
  const { counts } = tensorsIn(KIND, snapshot, { counts: ['F64', held.count] })
  const radius = Number(snapshot.parameters['radius'])
  checkFits(
    KIND,
    counts.every((weight, i) => Math.fround(heldWeight(weight)) === (held.weights?.[i] ?? 1)),
  )
  checkFits(KIND, radius >= 0 && radius < Infinity)
  return { weights: counts, radius }
}
