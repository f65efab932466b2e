import type { Kernels } from '../kernels'
import { floats } from './operands'

export const addShares: Kernels['addShares'] = (out, operands) => {
  const { max, mass, rows, cols, scale, causal } = operands
  const scores = floats(operands.scores)
  const bias = operands.bias && floats(operands.bias)
  for (let r = 0; r < rows; r++) {
    if (!(mass[r] > 0)) continue
    const seen = causal ? Math.max(0, Math.min(cols, causal.visible + Math.floor(r / causal.groups))) : cols
    for (let j = 0; j < seen; j++) {
      const logit = scale * scores[r * cols + j] + (bias ? bias[j] : 0)
      out[j] += Math.exp(Math.min(0, logit - max[r])) / mass[r]
    }
  }
}
