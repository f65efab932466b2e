import { isFloat64 } from '@sublinear/core'
export interface Eigen {
  /** Eigenvalues, the largest first. */
  readonly values: Float64Array // d
  /** Row i is the unit eigenvector of values[i]. */
  readonly vectors: Float64Array // d × d
}

/** Share of the whole below which the entries off the diagonal end the rotations. */
const TOLERANCE = 1e-15
const SWEEPS = 40

/**
 * Computes eigenvalues and eigenvectors of a symmetric matrix (d × d) by cyclic Jacobi rotations in a fixed order, with + − × ÷ √ alone, so the
 * bits are the same on every engine. Equal eigenvalues keep the order of their columns; an eigenvector's largest entry is positive.
 * Cost: about 8 sweeps of 6·d³ operations.
 */
export function symmetricEigen(matrix: Float64Array, d: number): Eigen {
  if (!isFloat64(matrix)) throw new TypeError('symmetricEigen: matrix must be a Float64Array')
  const a = matrix.slice()
  const v = new Float64Array(d * d) // rows are the vectors
  for (let i = 0; i < d; i++) v[i * d + i] = 1
  for (let sweep = 0; sweep < SWEEPS && isOffDiagonal(a, d); sweep++) {
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) rotate(a, v, d, p, q)
  }
  const order = Array.from({ length: d }, (_, i) => i).toSorted((i, j) => a[j * d + j] - a[i * d + i] || i - j)
  const vectors = new Float64Array(d * d)
  for (const [to, from] of order.entries()) {
    const row = v.subarray(from * d, (from + 1) * d)
    const largest = row.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0)
    for (let c = 0; c < d; c++) vectors[to * d + c] = largest < 0 ? -row[c] : row[c]
  }
  return { values: Float64Array.from(order, (i) => a[i * d + i]), vectors }
}

function isOffDiagonal(a: Float64Array, d: number): boolean {
  let [off, all] = [0, 0]
  for (let p = 0; p < d; p++) {
    for (let q = 0; q < d; q++) {
      const square = a[p * d + q] * a[p * d + q]
      all += square
      if (p !== q) off += square
    }
  }
  return off > TOLERANCE * TOLERANCE * all
}

/** Applies the rotation of rows and columns p and q that makes a[p, q] vanish, to a on both sides and to the rows of v. */
function rotate(a: Float64Array, v: Float64Array, d: number, p: number, q: number): void {
  const [app, aqq, apq] = [a[p * d + p], a[q * d + q], a[p * d + q]]
  if (apq === 0) return
  const theta = (aqq - app) / (2 * apq)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  turnRows(a, d, p, q, cosine, sine)
  turnRows(v, d, p, q, cosine, sine)
  // Columns equal rows, except for the two by two entries where both meet.
  for (let k = 0, at = 0; k < d; k++, at += d) {
    a[at + p] = a[p * d + k]
    a[at + q] = a[q * d + k]
  }
  a[p * d + p] = app - tangent * apq
  a[q * d + q] = aqq + tangent * apq
  a[p * d + q] = a[q * d + p] = 0
}

function turnRows(m: Float64Array, d: number, p: number, q: number, cosine: number, sine: number): void {
  const end = (p + 1) * d
  for (let i = p * d, j = q * d; i < end; i++, j++) {
    const x = m[i]
    const y = m[j]
    m[i] = cosine * x - sine * y
    m[j] = sine * x + cosine * y
  }
}
