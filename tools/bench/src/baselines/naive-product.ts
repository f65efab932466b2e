/** out (rows × cols) += a·b written in the plainest way, with the loop order that reads b along its rows. */
export function naiveProduct(
  out: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  cols: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[r * inner + k]
      for (let c = 0; c < cols; c++) out[r * cols + c] += factor * b[k * cols + c]
    }
  }
}
