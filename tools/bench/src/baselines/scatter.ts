/**
 * out[targets[4r + e], :] += factors[4r + e] · block[r, :] in plain JavaScript, for 4 nonzeros a row: each entry of the block is
 * read once for its four targets. It was the fastest of four forms; the others went entry by entry, were unrolled, or used subarrays.
 */
export function scatterFour(
  out: Float32Array,
  block: Float32Array,
  targets: Uint32Array,
  factors: Float32Array,
  rows: number,
  width: number,
): void {
  for (let r = 0; r < rows; r++) {
    const e = r * 4
    const t0 = targets[e] * width
    const t1 = targets[e + 1] * width
    const t2 = targets[e + 2] * width
    const t3 = targets[e + 3] * width
    const f0 = factors[e]
    const f1 = factors[e + 1]
    const f2 = factors[e + 2]
    const f3 = factors[e + 3]
    for (let c = 0, at = r * width; c < width; c++, at++) {
      const value = block[at]
      out[t0 + c] += f0 * value
      out[t1 + c] += f1 * value
      out[t2 + c] += f2 * value
      out[t3 + c] += f3 * value
    }
  }
}
