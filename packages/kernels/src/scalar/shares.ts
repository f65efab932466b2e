import type { Kernels } from '../kernels'
import { floats } from './operands'
import { product } from './product'

export const addShares: Kernels['addShares'] = (out, block) => {
  const { queries, keys, max, mass, rows, d, cols, scale, causal } = block
  const bias = block.bias && floats(block.bias)
  const scores = new Float32Array(rows * cols)
  product('nt', scores, queries, keys, rows, d, cols)
  for (let r = 0; r < rows; r++) {
    if (!(mass[r] > 0)) continue
    const seen = causal ? Math.max(0, Math.min(cols, causal.visible + Math.floor(r / causal.groups))) : cols
    for (let j = 0; j < seen; j++) {
      const logit = scale * scores[r * cols + j] + (bias ? bias[j] : 0)
      out[j] += Math.exp(Math.min(0, logit - max[r])) / mass[r]
    }
  }
}
