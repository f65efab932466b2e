import {
  checkInteger,
  checkObject,
  checkSeed,
  checkShape,
  philox,
  seedWords,
  type Matrix,
  type Seed,
  type SketchMatrix,
} from '@sublinear/core'
import { checkAccuracy } from './ams-rows'
import { amsSketch } from './ams-sketch'

/** The last word of the Philox counter, for the seeds of groups. */
const STREAM = 0x616d0000

export interface MedianOfMeans {
  readonly groups: number
  /** Rows of each group's matrix. */
  readonly rows: number
  /** One independent AMS matrix a group. */
  readonly matrices: readonly SketchMatrix[]
  /** The entrywise median of the groups' finished products. */
  median(products: readonly Matrix[]): Matrix
}

/**
 * Makes AMS estimates whose cost grows only with log(1/delta): the median over independent groups, each of them a mean over rows.
 * Source: Alon, Matias and Szegedy, 1999; the repair of Lemma 3.5 (one-pass paper) for 4-wise signs.
 *
 * A median is not linear, so it must come last: compute each group's sketches and their whole product, then take the median of the
 * products.
 *
 * Guarantee: each entry of the median of products ⟨Ψu, Ψv⟩ is within epsilon·|u|·|v|, except with probability delta.
 * Cost: groups · rows in all, about 39·ln(1/δ)/ε² for small δ.
 *
 * @param epsilon, delta  as in `amsRows`; seed  64 bits that decide every sign of every group
 * @throws TypeError, RangeError when an option is out of range; `median` throws them when the products are not one for each group, all of one shape
 */
export function medianOfMeans(options: { epsilon: number; delta: number; seed: Seed }): MedianOfMeans {
  const { epsilon, delta, seed } = checkObject('medianOfMeans', options)
  const who = 'medianOfMeans'
  checkAccuracy(who, epsilon, delta)
  const [low, high] = seedWords(checkSeed(who, seed))
  const { groups, rows } = sizes(who, epsilon, delta)
  const words = new Uint32Array(4)
  const matrices = Array.from({ length: groups }, (_, group) => {
    philox(words, low, high, group, 0, 0, STREAM)
    return amsSketch({ m: rows, seed: BigInt(words[0]) | (BigInt(words[1]) << 32n) })
  })
  return { groups, rows, matrices, median: (products) => entrywiseMedian(who, groups, products) }
}

/**
 * The number of groups, and of rows in each, that `medianOfMeans` takes: the cheapest pair with P[Bin(groups, 2/(rows·ε²)) > groups/2] ≤ δ.
 *
 * @param epsilon, delta  as in `amsRows`
 * @throws TypeError, RangeError when epsilon or delta is out of range, or the rows exceed 2^53 − 1
 */
export function medianOfMeansSizes(options: { epsilon: number; delta: number }): {
  readonly groups: number
  readonly rows: number
} {
  const { epsilon, delta } = checkObject('medianOfMeansSizes', options)
  checkAccuracy('medianOfMeansSizes', epsilon, delta)
  return sizes('medianOfMeansSizes', epsilon, delta)
}

function sizes(who: string, epsilon: number, delta: number): { groups: number; rows: number } {
  const one = epsilon * epsilon
  let best = { groups: 1, rows: Math.ceil(2 / (one * delta)) }
  let logChoose = 0 // log of C(groups, (groups + 1) / 2)
  // A group must fail less than half the time, so it has more than 4/ε² rows.
  for (let groups = 3; (groups * 4) / one <= best.groups * best.rows; groups += 2) {
    logChoose += Math.log((4 * groups) / (groups + 1))
    const rows = Math.ceil(2 / (one * groupFailure(groups, logChoose, delta)))
    if (groups * rows < best.groups * best.rows) best = { groups, rows }
  }
  checkInteger(who, 'groups · rows', best.groups * best.rows, 1)
  return best
}

/** The largest p in (0, ½) for which most of `groups` independent events of probability p happen with probability ≤ delta. */
function groupFailure(groups: number, logChoose: number, delta: number): number {
  let low = 0
  let high = 0.5
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (majority(groups, logChoose, middle) <= delta) low = middle
    else high = middle
  }
  return low
}

/** The probability P[Bin(groups, p) ≥ (groups + 1)/2] for p < ½, summed from its largest term on. */
function majority(groups: number, logChoose: number, p: number): number {
  const half = (groups + 1) / 2
  let term = Math.exp(logChoose + half * Math.log(p) + (groups - half) * Math.log1p(-p))
  let sum = term
  for (let k = half; k < groups && term > sum * 1e-17; k++) {
    term *= ((groups - k) / (k + 1)) * (p / (1 - p))
    sum += term
  }
  return sum
}

function entrywiseMedian(who: string, groups: number, products: readonly Matrix[]): Matrix {
  if (!Array.isArray(products)) throw new TypeError(`${who}: products must be an array of matrices`)
  if (products.length !== groups) {
    throw new RangeError(`${who}: products must be one a group, ${groups}, got ${products.length}`)
  }
  const { rows, cols } = products[0] ?? { rows: 0, cols: 0 }
  for (const [i, product] of products.entries()) checkShape(who, `products[${i}]`, product, cols, rows)
  const data = new Float32Array(rows * cols)
  for (let i = 0; i < data.length; i++) {
    data[i] = Float64Array.from(products, (product) => product.data[i]).toSorted()[(groups - 1) / 2]
  }
  return { rows, cols, data }
}
