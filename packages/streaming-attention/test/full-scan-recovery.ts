import { philox, sparseSketchMatrix, type SparseRecovery } from '@sublinear/core'

/**
 * The simplest Φ with a decoder, to test what uses one: `hashes` CountSketches side by side; decoding looks at every index, takes the
 * median of its counters and keeps the k largest. O(n·hashes) a column, 8 bytes an index: a double, not a product.
 */
export function fullScanRecovery(options: {
  n: number
  k: number
  hashes: number
  width: number
  seed: number
}): SparseRecovery {
  const { n, k, hashes, width, seed } = options
  const m = hashes * width
  const list = (first: number, count: number, rows: Uint32Array, values: Float32Array) => {
    const words = new Uint32Array(4)
    for (let c = 0; c < count; c++) {
      for (let h = 0; h < hashes; h++) {
        philox(words, seed, 0x66756c6c, (first + c) % 2 ** 32, Math.floor((first + c) / 2 ** 32), h, 0)
        rows[c * hashes + h] = h * width + (words[0] % width)
        values[c * hashes + h] = words[1] & 1 ? 1 : -1
      }
    }
  }
  const top = (measured: ArrayLike<number>, count: number) => {
    const [rows, signs] = [new Uint32Array(hashes), new Float32Array(hashes)]
    const estimates = Float64Array.from({ length: n }, (_, i) => {
      list(i, 1, rows, signs)
      const all = Array.from(rows, (row, h) => measured[row] * signs[h])
      return all.toSorted((a, b) => a - b)[(hashes - 1) / 2]
    })
    const indices = Float64Array.from(estimates.keys()).toSorted(
      (a, b) => Math.abs(estimates[b]) - Math.abs(estimates[a]),
    )
    const kept = indices.slice(0, count).toSorted()
    return { length: n, indices: kept, values: kept.map((i) => estimates[i]) }
  }
  return {
    n,
    k,
    m,
    matrix: sparseSketchMatrix({ kind: `full-scan/${hashes}`, m, seed, nonzeros: hashes, entries: list }),
    decode: (measured) => top(measured, k),
    decodeWide: (measured) => top(measured, 3 * k),
  }
}
