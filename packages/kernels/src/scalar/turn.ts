import type { CodeKernels } from '../code-kernels'
import { doubles } from './operands'

export const turn: CodeKernels['turn'] = (x, signs, rows, width, back = false) => {
  const data = doubles(x)
  const p = 2 ** Math.floor(Math.log2(width))
  const rest = width - p
  for (let r = 0, at = 0; r < rows; r++, at += width) {
    if (back) {
      if (rest > 0) {
        hadamard(data, at + rest, p)
        flip(data, at + rest, signs, p, p)
      }
      hadamard(data, at, p)
      flip(data, at, signs, 0, p)
    } else {
      flip(data, at, signs, 0, p)
      hadamard(data, at, p)
      if (rest > 0) {
        flip(data, at + rest, signs, p, p)
        hadamard(data, at + rest, p)
      }
    }
  }
}

function flip(x: Float64Array, at: number, signs: Int8Array, from: number, p: number): void {
  for (let i = 0; i < p; i++) x[at + i] *= signs[from + i]
}

/** Multiplies entries at … at + p − 1 by the Hadamard matrix over √p, which is its own inverse. */
function hadamard(x: Float64Array, at: number, p: number): void {
  const end = at + p
  for (let half = 1; half < p; half *= 2) {
    for (let from = at; from < end; from += 2 * half) {
      for (let i = from; i < from + half; i++) {
        const a = x[i]
        const b = x[i + half]
        x[i] = a + b
        x[i + half] = a - b
      }
    }
  }
  const unit = 1 / Math.sqrt(p)
  for (let i = at; i < end; i++) x[i] *= unit
}
