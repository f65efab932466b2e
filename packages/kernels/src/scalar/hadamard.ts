import type { SketchKernels } from '../sketch-kernels'
import { floats } from './operands'

// This file does the additions of assembly/hadamard.ts in float32 and in the same order: the same bits.

export const hadamardAdd: SketchKernels['hadamardAdd'] = (
  outOperand,
  blockOperand,
  first,
  count,
  width,
  signs,
  indices,
  unit,
) => {
  const out = floats(outOperand)
  const block = floats(blockOperand)
  const x = new Float32Array(64 * width)
  const factor = Math.fround(unit)
  for (let from = 0, b = 0; from < count; b++) {
    const offset = (first + from) % 64
    const rows = Math.min(count - from, 64 - offset)
    x.fill(0)
    for (let i = 0; i < rows; i++) {
      const bit = offset + i
      const sign = (signs[2 * b + (bit >> 5)] >>> (bit & 31)) & 1 ? -1 : 1
      for (let c = 0; c < width; c++) x[bit * width + c] = sign * block[(from + i) * width + c]
    }
    hadamard(x, width)
    const start = first + from - offset
    const high = Math.floor(start / 4294967296)
    for (let r = 0; 2 * r < indices.length; r++) {
      const unlike = parity((indices[2 * r] & start) ^ (indices[2 * r + 1] & high))
      const scale = unlike ? -factor : factor
      const at = (indices[2 * r] & 63) * width
      for (let c = 0; c < width; c++) out[r * width + c] += Math.fround(scale * x[at + c])
    }
    from += rows
  }
}

/** Transforms x (64 × width): row q becomes Σ_c (−1)^popcount(q & c) · row c. */
function hadamard(x: Float32Array, width: number): void {
  for (let half = 1; half < 64; half *= 2) {
    for (let q = 0; q < 64; q++) {
      if (q & half) continue
      for (let c = 0, at = q * width, to = (q + half) * width; c < width; c++, at++, to++) {
        const [a, b] = [x[at], x[to]]
        x[at] = a + b
        x[to] = a - b
      }
    }
  }
}

function parity(word: number): number {
  word ^= word >>> 16
  word ^= word >>> 8
  word ^= word >>> 4
  return (0x6996 >>> (word & 15)) & 1
}
