import type { AttentionKernels, ShareBlock } from '../attention-kernels'
import { seenBy } from '../rounded-query'
import { floats } from './operands'
import { product } from './product'

export const addShares: AttentionKernels['addShares'] = (out, { keys, ...block }) => {
  const { queries, rows, d, cols, scale } = block
  const scores = new Float32Array(rows * cols)
  product('nt', scores, queries, keys, rows, d, cols)
  addScored(out, block, scores, scale)
}

/** Adds the shares that scores (rows × cols) stand for, times `unit`. */
export function addScored(
  out: Float64Array,
  block: Omit<ShareBlock, 'keys'>,
  scores: Float32Array,
  unit: number,
): void {
  const { max, mass, rows, cols, causal } = block
  const bias = block.bias && floats(block.bias)
  for (let r = 0; r < rows; r++) {
    if (!(mass[r] > 0)) continue
    const seen = seenBy(r, cols, causal)
    for (let j = 0; j < seen; j++) {
      const logit = unit * scores[r * cols + j] + (bias ? bias[j] : 0)
      out[j] += Math.exp(Math.min(0, logit - max[r])) / mass[r]
    }
  }
}
