import type { AttentionKernels } from '../attention-kernels'
import { doubles, floats } from './operands'
import { multiply } from './product'

const ROWS = 16
const BLOCK = 64

/** Fused attention: takes 16 queries × 64 keys at a time; scores and weights share one small array. */
export const attend: AttentionKernels['attend'] = ({ rows, keyCount, d, dv, scale, causal, ...operands }) => {
  const queries = floats(operands.queries)
  const keys = floats(operands.keys)
  const values = floats(operands.values)
  const bias = operands.bias && floats(operands.bias)
  const max = floats(operands.max)
  const mass = doubles(operands.mass)
  const sum = floats(operands.sum)
  const weights = new Float32Array(ROWS * BLOCK)
  const sees = (r: number) =>
    causal ? Math.min(keyCount, Math.max(0, causal.visible + Math.floor(r / causal.groups))) : keyCount

  for (let r0 = 0; r0 < rows; r0 += ROWS) {
    const height = Math.min(ROWS, rows - r0)
    const visible = sees(r0 + height - 1)
    for (let first = 0; first < visible; first += BLOCK) {
      const count = Math.min(BLOCK, visible - first)
      multiply(weights, 0, BLOCK, queries, r0 * d, d, 1, keys, first * d, 1, d, height, d, count, false)
      for (let r = 0; r < height; r++) {
        const seen = Math.min(count, sees(r0 + r) - first)
        soften(weights, r * BLOCK, count, seen, scale, bias, first, max, mass, sum, r0 + r, dv)
      }
      multiply(sum, r0 * dv, dv, weights, 0, BLOCK, 1, values, first * dv, dv, 1, height, count, dv, true)
    }
  }
}

/** Turns one row's dot products into exp(score − max'), and brings the row's max, mass and sum to the new maximum. */
function soften(
  weights: Float32Array,
  at: number,
  count: number,
  seen: number,
  scale: number,
  bias: Float32Array | undefined,
  first: number,
  max: Float32Array,
  mass: Float64Array,
  sum: Float32Array,
  row: number,
  dv: number,
): void {
  let top = max[row]
  for (let j = 0; j < seen; j++) {
    weights[at + j] = weights[at + j] * scale + (bias ? bias[first + j] : 0)
    top = Math.max(top, weights[at + j])
  }
  if (top > max[row]) {
    const factor = Math.exp(max[row] - top)
    for (let c = row * dv; c < (row + 1) * dv; c++) sum[c] *= factor
    mass[row] *= factor
    max[row] = top
  }
  let total = 0
  for (let j = 0; j < seen; j++) {
    const weight = Math.exp(weights[at + j] - top)
    weights[at + j] = weight
    total += weight
  }
  mass[row] += total
  for (let j = Math.max(0, seen); j < count; j++) weights[at + j] = 0
}
