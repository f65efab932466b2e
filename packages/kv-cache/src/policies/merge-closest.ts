import { kernels } from '@sublinear/kernels'

/** Points in rows, each with its weight. Merging overwrites all of them. */
export interface WeightedPoints {
  readonly points: Float32Array // rows × d
  /** Values that go with the points; a merge averages them in the same way. */
  readonly values: Float32Array // rows × dv
  readonly weights: Float64Array // rows
}

export interface Merged {
  readonly rows: readonly number[]
  readonly most: number
}

/**
 * Merges the two points whose merging adds least to the weighted squared distances from their means, until `left` remain: a merged point
 * is the weighted mean of the two, and its weight their sum.
 * Source: Ward (1963), by the recurrence of Lance and Williams.
 *
 * Cost: rows²·d multiply-adds, 4·rows² bytes of scratch, and some passes over `rows` numbers for each merge.
 *
 * @returns the rows that remain, ascending, and the largest cost of a merge
 */
export function mergeClosest({ points, values, weights }: WeightedPoints, left: number): Merged {
  const rows = weights.length
  const costs = wardCosts({ points, weights }, { points, weights }) // rows × rows
  const alive = new Uint8Array(rows).fill(1)
  const nearest = new Int32Array(rows)
  /** Cost of merging each row with its nearest. A merge brings nothing nearer to anything else, so older entries stay valid lower bounds. */
  const least = new Float64Array(rows)
  const scan = (i: number) => {
    let [best, at] = [Infinity, i]
    for (let j = 0, from = i * rows; j < rows; j++) {
      if (costs[from + j] < best && j !== i && alive[j]) {
        best = costs[from + j]
        at = j
      }
    }
    least[i] = best
    nearest[i] = at
  }
  /** Finds the row with the smallest bound that is also a cost. */
  const closest = (): number => {
    for (;;) {
      let best = -1
      for (let i = 0; i < rows; i++) if (alive[i] && (best < 0 || least[i] < least[best])) best = i
      const partner = nearest[best]
      if (alive[partner] && costs[best * rows + partner] === least[best]) return best
      scan(best)
    }
  }

  for (let i = 0; i < rows; i++) scan(i)
  let most = 0
  for (let remaining = rows; remaining > left; remaining--) {
    const one = closest()
    const [a, b] = [Math.min(one, nearest[one]), Math.max(one, nearest[one])]
    const [wa, wb, apart] = [weights[a], weights[b], costs[a * rows + b]]
    alive[b] = 0
    most = Math.max(most, apart)
    for (let k = 0; k < rows; k++) {
      if (!alive[k] || k === a) continue
      const wk = weights[k]
      const sum = (wa + wk) * costs[a * rows + k] + (wb + wk) * costs[b * rows + k] - wk * apart
      costs[a * rows + k] = costs[k * rows + a] = Math.max(0, Math.min(LARGEST, sum / (wa + wb + wk)))
    }
    weights[a] = wa + wb
    towards(points, a, points, b, rows, wb / (wa + wb))
    towards(values, a, values, b, rows, wb / (wa + wb))
    scan(a)
  }
  return { rows: Array.from(alive.keys()).filter((i) => alive[i]), most }
}

/**
 * Gives each point to the row of `into` where it costs least, unless that costs more than `most`. All costs are those before the first point is given.
 *
 * Cost: one multiply-add an entry for each pair.
 *
 * @returns the points that were not given
 */
export function joinNearest(points: WeightedPoints, into: WeightedPoints, most: number): number[] {
  const [rows, count] = [points.weights.length, into.weights.length]
  const costs = wardCosts(points, into) // rows × count
  const alone: number[] = []
  for (let i = 0; i < rows; i++) {
    let nearest = -1
    let least = most
    for (let j = 0; j < count; j++) {
      if (costs[i * count + j] > least) continue
      least = costs[i * count + j]
      nearest = j
    }
    if (nearest < 0) {
      alone.push(i)
      continue
    }
    into.weights[nearest] += points.weights[i]
    const share = points.weights[i] / into.weights[nearest]
    towards(into.points, nearest, points.points, i, count, share)
    towards(into.values, nearest, points.values, i, count, share)
  }
  return alone
}

/** Moves row a of one matrix by `share` of the way to row b of the other. */
export function towards(
  one: Float32Array,
  a: number,
  other: Float32Array,
  b: number,
  rows: number,
  share: number,
): void {
  const cols = one.length / rows
  for (let c = 0; c < cols; c++) one[a * cols + c] += (other[b * cols + c] - one[a * cols + c]) * share
}

/** Costs of merging a row of one with a row of the other: w w′ / (w + w′) times their squared distance. Rows are centred first, so that little cancels. */
function wardCosts(one: Points, other: Points): Float32Array {
  const [rows, count] = [one.weights.length, other.weights.length]
  const d = one.points.length / rows
  const mean = meanOf(other.points, count)
  const [left, right] = [centred(one.points, mean), centred(other.points, mean)]
  const [own, theirs] = [squares(left, d), squares(right, d)]
  const costs = new Float32Array(rows * count)
  kernels().product('nt', costs, left, right, rows, d, count)
  const factors = new Float64Array(count) // w w′ / (w + w′) for the weight of the current row, which is most often that of the row before
  for (let i = 0, at = 0; i < rows; i++) {
    const w = one.weights[i]
    if (i === 0 || w !== one.weights[i - 1])
      for (let j = 0; j < count; j++) factors[j] = (w * other.weights[j]) / (w + other.weights[j])
    for (let j = 0; j < count; j++, at++)
      costs[at] = Math.min(LARGEST, factors[j] * Math.max(0, own[i] + theirs[j] - 2 * costs[at]))
  }
  return costs
}

/** The largest float32: a cost beyond it could not be a bound. */
export const LARGEST = (2 - 2 ** -23) * 2 ** 127

type Points = Pick<WeightedPoints, 'points' | 'weights'>

/** The mean of rows. */
export function meanOf(points: Float32Array, rows: number): Float64Array {
  const mean = new Float64Array(points.length / rows)
  for (let i = 0; i < points.length; i += mean.length)
    for (let c = 0; c < mean.length; c++) mean[c] += points[i + c] / rows
  return mean
}

/** Rows without their mean. */
export function centred(points: Float32Array, mean: Float64Array): Float32Array {
  const out = new Float32Array(points.length)
  for (let i = 0; i < points.length; i += mean.length)
    for (let c = 0; c < mean.length; c++) out[i + c] = points[i + c] - mean[c]
  return out
}

/** The squared length of each row. */
export function squares(points: Float32Array, d: number): Float64Array {
  const out = new Float64Array(points.length / d)
  for (let i = 0; i < points.length; i++) out[Math.floor(i / d)] += points[i] * points[i]
  return out
}
