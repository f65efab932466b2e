import type { Norm } from './weights'

/** Computes out (rows × width): rows of x less their mean, over their standard deviation, times weight, plus bias; sums are in float64. */
export function layerNorm(out: Float32Array, x: Float32Array, rows: number, { weight, bias }: Norm, epsilon: number) {
  const width = weight.length
  for (let first = 0; first < rows * width; first += width) {
    let total = 0
    for (let c = 0; c < width; c++) total += x[first + c]
    const mean = total / width
    let squares = 0
    for (let c = 0; c < width; c++) squares += (x[first + c] - mean) ** 2
    const unit = 1 / Math.sqrt(squares / width + epsilon)
    for (let c = 0; c < width; c++) out[first + c] = (x[first + c] - mean) * unit * weight[c] + bias[c]
  }
}
