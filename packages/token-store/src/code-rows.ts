import { BLOCK } from './row-pool'

/** Blocks sampled when a step is sought: one in so many, but at least so many blocks. */
const SAMPLED = 8
const FEWEST = 4

/** Some whole blocks of the rows, spread evenly over them. */
export function sampledRows(codes: Int32Array, width: number): Int32Array {
  const blocks = Math.ceil(codes.length / width / BLOCK)
  const each = Math.min(SAMPLED, Math.max(1, Math.floor(blocks / FEWEST)))
  const parts: Int32Array[] = []
  for (let b = 0; b < blocks; b += each) parts.push(codes.subarray(b * BLOCK * width, (b + 1) * BLOCK * width))
  const out = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Marks the `count` rows nearest to the centre with 1; of equally near rows, the older. */
export function nearestRows(codes: Int32Array, width: number, centre: Float64Array, count: number): Uint8Array {
  const rows = codes.length / width
  const gaps = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    let gap = 0
    for (let c = 0; c < centre.length; c++) gap += (codes[r * width + c] - centre[c]) ** 2
    gaps[r] = gap
  }
  const out = new Uint8Array(rows)
  const order = Array.from({ length: rows }, (_, r) => r).toSorted((a, b) => gaps[a] - gaps[b] || a - b)
  for (const r of order.slice(0, count)) out[r] = 1
  return out
}

/** Rows of codes that are marked with `mark`. */
export function markedRows(codes: Int32Array, width: number, marks: Uint8Array, mark: number): Int32Array {
  const rows = Array.from(marks.keys()).filter((r) => marks[r] === mark)
  const out = new Int32Array(rows.length * width)
  for (const [i, r] of rows.entries()) out.set(codes.subarray(r * width, (r + 1) * width), i * width)
  return out
}
