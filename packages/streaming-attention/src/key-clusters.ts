import { rowsOf, type KvBlock, type Matrix } from '@sublinear/core'

/** Rounds of Lloyd's algorithm over the first block. */
const ROUNDS = 5

/**
 * Finds centres from one block of keys: first the key farthest from the mean, then always the one farthest from those chosen, then Lloyd's rounds.
 * Source: Gonzalez (1985) for the choice, Lloyd (1982) for the rounds. No randomness.
 *
 * @returns count centres of d numbers each; a centre that is nearest to no key stays where it was chosen
 */
export function seedCentres(keys: Matrix, count: number): Float64Array[] {
  const { rows } = keys
  const rowOf = (r: number) => Float64Array.from(rowsOf(keys, r, r + 1).data)
  const distances = new Float64Array(rows).fill(Infinity)
  const near = (centre: Float64Array, least: boolean) => {
    for (let r = 0; r < rows; r++) {
      const distance = squaredDistance(keys, r, centre)
      distances[r] = least ? Math.min(distances[r], distance) : distance
    }
  }
  const farthest = () => distances.reduce((best, x, r) => (x > distances[best] ? r : best), 0)
  const centres: Float64Array[] = []
  near(meanOf(keys, undefined)!, false)
  for (let c = 0; c < count; c++) {
    centres.push(rowOf(farthest()))
    near(centres[c], c > 0)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const labels = nearest(keys, centres)
    for (let c = 0; c < count; c++) centres[c] = meanOf(keys, (r) => labels[r] === c) ?? centres[c]
  }
  return centres
}

/** The nearest centre of each key; of equals, the first. */
export function nearest(keys: Matrix, centres: readonly Float64Array[]): Uint8Array {
  return Uint8Array.from({ length: keys.rows }, (_, r) => {
    let best = 0
    let least = Infinity
    for (const [c, centre] of centres.entries()) {
      const distance = squaredDistance(keys, r, centre)
      if (distance < least) [best, least] = [c, distance]
    }
    return best
  })
}

/** The rows of a block with a label, in their order. */
export function labelled({ keys, values, weights }: KvBlock, labels: Uint8Array, label: number): KvBlock {
  const rows: number[] = []
  for (const [r, own] of labels.entries()) if (own === label) rows.push(r)
  return {
    keys: pick(keys, rows),
    values: pick(values, rows),
    ...(weights && { weights: Float32Array.from(rows, (r) => weights[r]) }),
  }
}

function pick({ cols, data }: Matrix, rows: readonly number[]): Matrix {
  const out = new Float32Array(rows.length * cols)
  for (const [i, r] of rows.entries()) out.set(data.subarray(r * cols, (r + 1) * cols), i * cols)
  return { rows: rows.length, cols, data: out }
}

function meanOf({ rows, cols, data }: Matrix, counts?: (row: number) => boolean): Float64Array | undefined {
  const total = new Float64Array(cols)
  let count = 0
  for (let r = 0; r < rows; r++) {
    if (counts && !counts(r)) continue
    count++
    for (let c = 0; c < cols; c++) total[c] += data[r * cols + c]
  }
  return count > 0 ? total.map((x) => x / count) : undefined
}

function squaredDistance({ cols, data }: Matrix, row: number, centre: Float64Array): number {
  let sum = 0
  for (let c = 0; c < cols; c++) sum += (data[row * cols + c] - centre[c]) ** 2
  return sum
}
