import { kernels, scratch } from '@sublinear/kernels'
import { centred, LARGEST, meanOf, squares, towards, type Merged, type WeightedPoints } from './merge-closest'

/** Products that are held at a time. */
const AT_ONCE = 262_144 // 2 ** 18
const productScratch = scratch(Float32Array)

/**
 * Merges the closest points as `mergeClosest` does, but holds no costs: they follow anew from the means whenever the nearest of a point is sought. So the scratch grows with the
 * number of points, and not with its square. A cost is rounded otherwise than by the recurrence, by some 1e-7 of the largest squared distance from the mean.
 * Source: Ward (1963).
 *
 * Cost: rows²·d multiply-adds; and for each merge rows·d for each point whose nearest has moved, which are two or three.
 *
 * @returns the rows that remain, ascending, and the largest cost of a merge
 */
export function mergeMany({ points, values, weights }: WeightedPoints, left: number): Merged {
  const rows = weights.length
  const d = points.length / rows
  const own = centred(points, meanOf(points, rows))
  const lengths = squares(own, d)
  const alive = new Uint8Array(rows).fill(1)
  const nearest = new Int32Array(rows)
  /** Cost of merging each row with its nearest when that was sought. A merge brings nothing nearer to anything else, so it stays a lower bound. */
  const least = new Float64Array(rows)
  /** How often each row has taken another, now, and its nearest when that was sought. */
  const [taken, seen] = [new Uint32Array(rows), new Uint32Array(rows)]
  const factors = new Float64Array(rows) // w w′ / (w + w′) for the weight of the current row
  let factored = 0 // that weight; 0 where the factors are none

  const scan = (from: number, some: number) => {
    const products = productScratch(some * rows)
    kernels().product('nt', products, own.subarray(from * d, (from + some) * d), own, some, d, rows)
    for (let i = from, at = 0; i < from + some; i++) {
      const w = weights[i]
      if (w !== factored) for (let j = 0; j < rows; j++) factors[j] = (w * weights[j]) / (w + weights[j])
      factored = w
      let [best, found] = [Infinity, i]
      for (let j = 0; j < rows; j++, at++) {
        const cost = Math.min(LARGEST, factors[j] * Math.max(0, lengths[i] + lengths[j] - 2 * products[at]))
        if (cost < best && j !== i && alive[j]) {
          best = cost
          found = j
        }
      }
      least[i] = best
      nearest[i] = found
      seen[i] = taken[found]
    }
  }
  /** Finds the row with the smallest bound that is also a cost. */
  const closest = (): number => {
    for (;;) {
      let best = -1
      for (let i = 0; i < rows; i++) if (alive[i] && (best < 0 || least[i] < least[best])) best = i
      if (alive[nearest[best]] && seen[best] === taken[nearest[best]]) return best
      scan(best, 1)
    }
  }

  const some = Math.max(1, Math.floor(AT_ONCE / rows))
  for (let from = 0; from < rows; from += some) scan(from, Math.min(some, rows - from))
  let most = 0
  for (let remaining = rows; remaining > left; remaining--) {
    const one = closest()
    const [a, b] = [Math.min(one, nearest[one]), Math.max(one, nearest[one])]
    const share = weights[b] / (weights[a] + weights[b])
    most = Math.max(most, least[one])
    alive[b] = 0
    weights[a] += weights[b]
    for (const part of [points, values, own]) towards(part, a, part, b, rows, share)
    lengths[a] = squares(own.subarray(a * d, (a + 1) * d), d)[0]
    taken[a]++
    factored = 0
    scan(a, 1)
  }
  return { rows: Array.from(alive.keys()).filter((i) => alive[i]), most }
}
