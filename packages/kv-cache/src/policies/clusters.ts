import {
  COUNT,
  FINITE,
  MOST_WEIGHT,
  NOT_NEGATIVE,
  pickedRows,
  readBy,
  schema,
  stackedRows,
  type KvBlock,
  type Matrix,
  type Shape,
  type State,
} from '@sublinear/core'
import { float32, shortWeight, type HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions, sizesOf, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'
import { joinNearest, mergeClosest, type WeightedPoints } from './merge-closest'
import { mergeMany } from './merge-many'

const KIND = 'clusters'

/**
 * A tier that holds clusters of tokens by their keys, made as the stream goes. Each cluster is held as one token: its mean key and mean value, with the
 * total weight of its tokens.
 * Source: Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024), which opens a cluster for a key that is farther than a given
 *   radius from all others, and keeps samples of each cluster. Deviation: `count` is given and not the radius. The distance is Ward's, w w′ / (w + w′)
 *   times the squared distance of the means. When there are too many clusters, the closest merge until an eighth of the slots is free; from then on
 *   a token joins a cluster that is no farther than the farthest two that merged then. Means are kept in place of samples. In codes, a mean is
 * rounded whenever it has
 *   moved; what its weight loses in 16 bits is given to the next weight that is so large that the loss hardly changes it.
 *
 * Guarantee: exact up to `count` tokens in float32. From then on every cluster has the mean key, mean value and total weight of its tokens (in codes, as
 *   rounded since), so weights add up to all weights given (a cluster counts at most 2^53; in codes, up to 2⁻¹⁰ of the heaviest). Nothing leaves: `admit`
 *   returns undefined, and merging is 'none'. Distances are known to 1e-6 of the largest squared distance from the mean key: if some keys lie a thousand times
 *   farther out than others, the others look equal.
 * Cost: 4·(d + dv + 2) + 8 bytes a cluster in float32, or the bytes of its codes and 2 more; count·d operations a token, and count²·d each time that there
 *   are too many clusters. That is once in count/8 new clusters, so time grows with count for each token; beyond 4096 clusters no more scratch is needed than that, too.
 *
 * @param count  clusters held, ≥ 1; store  how they are held (default: float32); buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError when count or buffer is no such integer, or store is no token store
 * @example
 * const stream = clusters({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1520
 */
export function clusters(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => live(shape, options)
}

/** Restores clusters from their snapshot; they go on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreClusters(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return live(options, options, snapshot)
}

const isExact = (store: { readonly spec: string } = float32) => store.spec === float32.spec

export const clustersMethod = tokenMethod<TokenOptions>({
  name: KIND,
  source: 'Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024); Ward (1963)',
  learns: 'nothing',
  tier: clusters,
  open: restoreClusters,
  weighs: true,
  shortWeights: true,
  beside: (_shape, { store }, _traffic, held) => (isExact(store) ? 8 * held : 8),
})

function live(shape: Shape, options: TokenOptions, snapshot?: State): TokenTier {
  const policy = (held: HeldTokens, from?: { readonly snapshot: State }) => merged(held, options.count, from?.snapshot)
  return tokenTier(
    {
      ...shape,
      ...sizesOf(options),
      kind: KIND,
      merging: 'none',
      noBars: 'a cluster answers as its mean, and what that is off by is not kept',
      shortWeights: true,
      policy,
    },
    snapshot,
  )
}

/** Schema of clusters: the radius; with exact weights, or, where clusters are held in codes, with what rounding the weights left over. */
export const clustersSchema = schema(
  {
    parameters: { radius: NOT_NEGATIVE, tokens: COUNT },
    tensors: {
      counts: { type: 'F64', size: 'held', ...NOT_NEGATIVE },
      weights: { type: 'F32', like: 'counts', optional: true, ...NOT_NEGATIVE },
    },
  },
  {
    'Rounded to float32, and at most 2^53, `counts` are the weights of the tokens.': ({
      tensors: { counts, weights },
    }) => counts.every((weight, i) => Math.fround(heldWeight(weight)) === (weights[i] ?? 1)),
    'Their sum is at most 2^53 · `tokens`.': ({ parameters: { tokens }, tensors: { counts } }) =>
      counts.reduce((sum, weight) => sum + weight, 0) <= tokens * MOST_WEIGHT * (1 + 1e-6),
  },
)
export const codedClustersSchema = schema({ parameters: { radius: NOT_NEGATIVE, carry: FINITE } })

function merged(held: HeldTokens, count: number, snapshot?: State): Policy {
  const exact = isExact(held)
  let { weights, radius, carry } = restored(held, snapshot) // exact weights, for float32 alone
  const left = count - Math.floor(count / 8)

  /** A weight as codes have it; what it loses is carried to others. */
  const rounded = (weight: number): number => {
    const given = heldWeight(weight)
    const short = shortWeight(heldWeight(given + (Math.abs(carry) * LEAST_SHARE <= given ? carry : 0)))
    carry += given - short
    return short
  }

  /** Puts tokens behind the clusters, each as a cluster of its own. */
  const append = (block: KvBlock) => {
    const { weights: own } = pointsOf(block)
    if (exact) weights = joined(weights, Array.from(own.keys()), own)
    const { keys, values } = block
    held.write(
      { keys, values, weights: Float32Array.from(own, exact ? heldWeight : rounded) },
      0,
      keys.rows,
      held.count,
    )
  }

  /** Puts clusters into the slots. Codes are written only where a cluster has changed: rounding it again would add to the loss. */
  const put = (all: WeightedPoints, means: Means, stay: readonly number[], before: Float64Array) => {
    const placed = exact ? stay : keptInPlace(stay)
    const [keys, values] = [pickedRows(means.keys, placed), pickedRows(means.values, placed)]
    held.truncate(Math.min(held.count, placed.length))
    if (exact) {
      weights = Float64Array.from(placed, (i) => all.weights[i])
      return held.write({ keys, values, weights: Float32Array.from(weights, heldWeight) }, 0, placed.length, 0)
    }
    const codedWeights = Float32Array.from(placed, (i) =>
      i < before.length && all.weights[i] === before[i] ? before[i] : rounded(all.weights[i]),
    )
    const isSame = (slot: number) => placed[slot] === slot && slot < before.length && all.weights[slot] === before[slot]
    for (let from = 0; from < placed.length;) {
      let to = from
      while (to < placed.length && !isSame(to)) to++
      if (to > from) held.write({ keys, values, weights: codedWeights }, from, to - from, from)
      from = to + 1
    }
  }

  return {
    bytes: () => (exact ? weights.byteLength : 8),
    admit(block) {
      if (radius === 0 && held.count + block.keys.rows <= count) {
        // Nothing has merged yet: what is held stays as it is, and is not read.
        append(block)
        return undefined
      }
      const { keys, values, weights: own } = held.read()
      const before = exact ? weights : own ? Float64Array.from(own) : new Float64Array(keys.rows).fill(1)
      const clusters = { points: keys.data, values: values.data, weights: before.slice() }
      const fresh = pointsOf(block)
      const alone = radius > 0 ? joinNearest(fresh, clusters, radius) : Array.from(fresh.weights.keys())
      const means = {
        keys: stackedRows([keys, pickedRows(block.keys, alone)]),
        values: stackedRows([values, pickedRows(block.values, alone)]),
      }
      const all = {
        points: means.keys.data,
        values: means.values.data,
        weights: joined(clusters.weights, alone, fresh.weights),
      }
      let stay: readonly number[] = Array.from(all.weights.keys())
      if (stay.length > count) {
        const { rows, most } = (stay.length > MANY ? mergeMany : mergeClosest)(all, left)
        stay = rows
        radius = most
      }
      put(all, means, stay, before)
      return undefined
    },
    saved: () => ({
      parameters: { radius: String(radius), ...(!exact && { carry: String(carry) }) },
      ...(exact && { tensors: { counts: { dtype: 'F64', shape: [weights.length], data: weights } } }),
    }),
  }
}

/** The weights of all clusters, then those of the given rows of other points. (Without spread: an engine takes some 100,000 arguments.) */
function joined(weights: Float64Array, rows: readonly number[], others: ArrayLike<number>): Float64Array {
  const all = new Float64Array(weights.length + rows.length)
  all.set(weights)
  for (const [i, row] of rows.entries()) all[weights.length + i] = others[row]
  return all
}

/** Clusters beyond which a matrix of the costs of all pairs would take more than 64 MiB, and costs are not held. */
const MANY = 4096
/** A weight takes what other weights lost only where that is at most one part in so many of it. */
const LEAST_SHARE = 512

interface Means {
  readonly keys: Matrix
  readonly values: Matrix
}

/** The rows that stay, by slot: rows that have a slot among the first keep it, the others fill the gaps. */
function keptInPlace(stay: readonly number[]): number[] {
  const kept = new Set(stay.filter((row) => row < stay.length))
  const others = stay.filter((row) => row >= stay.length)
  let next = 0
  return stay.map((_, slot) => (kept.has(slot) ? slot : others[next++]))
}

/** The weight that a cluster has as a token. */
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

function restored(
  held: HeldTokens,
  snapshot?: State,
): { readonly weights: Float64Array; readonly radius: number; readonly carry: number } {
  if (!snapshot) return { weights: new Float64Array(0), radius: 0, carry: 0 }
  if (!isExact(held)) return { weights: new Float64Array(0), ...readBy(KIND, codedClustersSchema, snapshot).parameters }
  const { parameters, tensors } = readBy(KIND, clustersSchema, snapshot, { held: held.count })
  return { weights: tensors.counts, radius: parameters.radius, carry: 0 }
}
