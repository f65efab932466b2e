import { checkInteger, type Matrix, type Shape, type Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { tierSnapshot, tokenTier, type Policy, type TokenTier, type TokenTierOptions } from './token-tier'
import { mergeClosest } from './ward'

const KIND = 'clusters'

export interface ClustersOptions {
  readonly count: number
}

/**
 * Clusters of tokens by their keys, made as the stream goes: each is held as one token, its mean key and mean value, counting as often as
 * its tokens do.
 * Source: Zandieh et al., SubGen: Token Generation in Sublinear Time and Memory (2024), which opens a cluster for a key farther than a given
 *   radius from all others and keeps samples of each. Deviation: `count` is given and not the radius, so when there are too many
 *   the two merge that lie closest (Ward), and means stand for samples.
 *
 * @param count  clusters held, ≥ 1
 * @throws TypeError, RangeError when count is no integer ≥ 1
 * Guarantee: exact up to count tokens; from then on every cluster has the mean key, mean value and total weight of its tokens, so weights add
 *   up to all weights given. Nothing leaves: `admit` returns undefined, and merging is 'none'.
 * Cost: 4·(d + dv + 2) + 8 bytes a cluster; every 64 tokens (count + 64)²·d operations, from 1024 clusters on less often.
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
  let weights = restored(held, snapshot) // by slot, in full: float32 stops counting at 2^24
  /** Merging frees so many slots at once that its cost stays a few times that of an answer over all clusters. */
  const left = count - Math.max(0, Math.floor(count / 8) - 64)

  return {
    get bytes() {
      return weights.byteLength
    },
    admit(block) {
      const before = held.count
      const rows = before + block.keys.rows
      const all = new Float64Array(rows).fill(1)
      all.set(weights)
      if (block.weights) all.set(block.weights, before)
      weights = all
      if (rows <= count) {
        held.write(block, 0, block.keys.rows, before)
        return undefined
      }
      const old = held.read()
      const points = appended(old.keys, block.keys)
      const values = appended(old.values, block.values)
      const stay = mergeClosest({ points: points.data, values: values.data, weights: all }, left)
      weights = Float64Array.from(stay, (i) => all[i]!)
      held.clear()
      held.write(
        { keys: rowsAt(points, stay), values: rowsAt(values, stay), weights: Float32Array.from(weights) },
        0,
        left,
        0,
      )
      return undefined
    },
    saved: () => ({ tensors: { counts: { dtype: 'F64', shape: [weights.length], data: weights } } }),
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

function restored(held: HeldTokens, snapshot?: Snapshot): Float64Array {
  if (!snapshot) return new Float64Array(0)
  const counts = snapshot.tensors.get('counts')?.data
  const fits =
    counts instanceof Float64Array &&
    counts.length === held.count &&
    counts.every((weight, i) => Math.fround(weight) === (held.weights?.[i] ?? 1))
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return counts
}
