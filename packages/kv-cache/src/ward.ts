import { kernels } from '@sublinear/kernels'

/** Points in rows, each with the weight that it stands for. Everything is overwritten by merging. */
export interface WeightedPoints {
  readonly points: Float32Array // rows × d
  /** What goes with the points: averaged along. */
  readonly values: Float32Array // rows × dv
  readonly weights: Float64Array // rows
}

/**
 * Merges the two points whose merging adds least to the weighted squared distances from their means, until `left` remain: a merged point
 * is the weighted mean of the two, and its weight their sum.
 * Source: Ward (1963), by the recurrence of Lance and Williams.
 *
 * @returns the rows that remain, ascending
 * Cost: rows²·d multiply-adds, 4·rows² bytes of scratch, some passes over `rows` numbers a merge.
 */
export function mergeClosest({ points, values, weights }: WeightedPoints, left: number): number[] {
  const rows = weights.length
  const costs = wardCosts(points, weights) // rows × rows
  const alive = Array.from({ length: rows }, (_, i) => i)
  const nearest = new Int32Array(rows)
  const least = new Float64Array(rows)
  const rescan = (i: number) => {
    least[i] = Infinity
    for (const j of alive) {
      if (j === i || costs[i * rows + j]! >= least[i]!) continue
      least[i] = costs[i * rows + j]!
      nearest[i] = j
    }
  }
  for (const i of alive) rescan(i)

  while (alive.length > left) {
    const one = alive.reduce((best, i) => (least[i]! < least[best]! ? i : best))
    const [a, b] = [Math.min(one, nearest[one]!), Math.max(one, nearest[one]!)]
    alive.splice(alive.indexOf(b), 1)
    const [wa, wb, apart] = [weights[a]!, weights[b]!, costs[a * rows + b]!]
    for (const k of alive) {
      if (k === a) continue
      const wk = weights[k]!
      const sum = (wa + wk) * costs[a * rows + k]! + (wb + wk) * costs[b * rows + k]! - wk * apart
      costs[a * rows + k] = costs[k * rows + a] = Math.max(0, sum / (wa + wb + wk))
    }
    weights[a] = wa + wb
    towards(points, points.length / rows, a, b, wb / (wa + wb))
    towards(values, values.length / rows, a, b, wb / (wa + wb))
    for (const k of alive) {
      if (k === a || nearest[k] === a || nearest[k] === b) rescan(k)
      else if (costs[k * rows + a]! < least[k]!) {
        least[k] = costs[k * rows + a]!
        nearest[k] = a
      }
    }
  }
  return alive
}

/** Moves row a by `share` of the way to row b. */
function towards(data: Float32Array, cols: number, a: number, b: number, share: number): void {
  for (let c = 0; c < cols; c++) data[a * cols + c]! += (data[b * cols + c]! - data[a * cols + c]!) * share
}

/** What merging two rows adds: w w′ / (w + w′) times their squared distance. Rows are centred first, so that little cancels. */
function wardCosts(points: Float32Array, weights: Float64Array): Float32Array {
  const rows = weights.length
  const d = points.length / rows
  const mean = new Float64Array(d)
  for (let i = 0; i < points.length; i++) mean[i % d]! += points[i]! / rows
  const centred = points.map((x, i) => x - mean[i % d]!)
  const costs = new Float32Array(rows * rows)
  kernels().product('nt', costs, centred, centred, rows, d, rows)
  const squares = Float32Array.from({ length: rows }, (_, i) => costs[i * rows + i]!)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      const gap = Math.max(0, squares[i]! + squares[j]! - 2 * costs[i * rows + j]!)
      costs[i * rows + j] = (weights[i]! / (weights[i]! + weights[j]!)) * weights[j]! * gap
    }
  }
  return costs
}
