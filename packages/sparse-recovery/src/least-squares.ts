/** A few columns of a sparse matrix: column c has `each` entries values[c·each …] at rows[c·each …] < height. */
export interface SparseColumns {
  readonly count: number
  readonly each: number
  readonly height: number
  readonly rows: Uint32Array
  readonly values: Float32Array
}

const STEPS = 60
/** Relative residual of the normal equations at which only rounding is left. */
const TOLERANCE = 1e-14

/**
 * Finds the x with which the columns come nearest to `target` (height), by conjugate gradients on the normal equations, starting from `x`, in place.
 *
 * Cost: at most 60 steps of 4·count·each operations.
 */
export function leastSquares(columns: SparseColumns, target: Float64Array, x: Float64Array): void {
  const { count, height } = columns
  const image = new Float64Array(height)
  const residual = target.slice(0, height)
  multiply(columns, x, image)
  for (let i = 0; i < height; i++) residual[i] -= image[i]
  const gradient = new Float64Array(count)
  transposed(columns, residual, gradient)
  const direction = gradient.slice()
  let energy = square(gradient)
  const enough = TOLERANCE ** 2 * Math.max(energy, normOfTransposed(columns, target))
  for (let step = 0; step < STEPS && energy > enough; step++) {
    multiply(columns, direction, image)
    const length = energy / square(image)
    if (!Number.isFinite(length)) break
    for (let c = 0; c < count; c++) x[c] += length * direction[c]
    for (let i = 0; i < height; i++) residual[i] -= length * image[i]
    transposed(columns, residual, gradient)
    const next = square(gradient)
    for (let c = 0; c < count; c++) direction[c] = gradient[c] + (next / energy) * direction[c]
    energy = next
  }
}

function multiply({ count, each, rows, values }: SparseColumns, x: Float64Array, out: Float64Array): void {
  out.fill(0)
  for (let c = 0, at = 0; c < count; c++) {
    for (let e = 0; e < each; e++, at++) out[rows[at]] += values[at] * x[c]
  }
}

function transposed({ count, each, rows, values }: SparseColumns, y: Float64Array, out: Float64Array): void {
  for (let c = 0, at = 0; c < count; c++) {
    let sum = 0
    for (let e = 0; e < each; e++, at++) sum += values[at] * y[rows[at]]
    out[c] = sum
  }
}

function normOfTransposed(columns: SparseColumns, y: Float64Array): number {
  const out = new Float64Array(columns.count)
  transposed(columns, y, out)
  return square(out)
}

function square(x: Float64Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return sum
}
