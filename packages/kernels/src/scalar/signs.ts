import type { SketchKernels } from '../sketch-kernels'
import { floats } from './operands'

export const expandSigns: SketchKernels['expandSigns'] = (outOperand, words, rows, count, unit) => {
  const out = floats(outOperand)
  const perRow = Math.ceil(count / 32)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < count; c++) {
      out[r * count + c] = (words[r * perRow + (c >>> 5)] >>> (c & 31)) & 1 ? -unit : unit
    }
  }
}

export const scatterAdd: SketchKernels['scatterAdd'] = (
  outOperand,
  blockOperand,
  targets,
  factors,
  rows,
  nonzeros,
  width,
) => {
  const out = floats(outOperand)
  const block = floats(blockOperand)
  for (let r = 0; r < rows; r++) {
    for (let e = r * nonzeros; e < (r + 1) * nonzeros; e++) {
      const to = targets[e] * width
      const factor = factors[e]
      // The product is rounded before the sum, as in the SIMD kernel: the bits must not show which of the two ran.
      for (let c = 0; c < width; c++) out[to + c] += Math.fround(factor * block[r * width + c])
    }
  }
}
