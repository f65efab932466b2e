import { isFloat32, isFloat64 } from '@sublinear/kernels'
import { checkObject, addSpread, checkShape, emptySpread, type Matrix, type PartialSoftmax } from '@sublinear/core'

/**
 * Combines the partial softmaxes of two disjoint sets of tokens into that of their union, row by row.
 * The operation is a commutative monoid up to rounding, with the empty partial (−∞, 0, 0) as identity. Where both have a spread, the union has one, too.
 *
 * Cost: two multiply-adds an entry.
 *
 * @returns a fresh partial of the same shape
 * @throws RangeError when the two differ in rows or columns
 */
export function combine(a: PartialSoftmax, b: PartialSoftmax): PartialSoftmax {
  checkObject('combine', a, 'a')
  checkObject('combine', b, 'b')
  checkPartial('combine', a)
  checkPartial('combine', b)
  const { rows, cols } = a.sum
  if (b.sum.rows !== rows || b.sum.cols !== cols) {
    throw new RangeError(`combine: shapes differ: ${rows} x ${cols} and ${b.sum.rows} x ${b.sum.cols}`)
  }
  const out: PartialSoftmax = {
    max: a.max.slice(),
    mass: a.mass.slice(),
    sum: { rows, cols, data: a.sum.data.slice() },
    ...(a.spread && b.spread && { spread: emptySpread(rows, cols) }),
  }
  if (out.spread) addSpread(out.spread, a.spread!)
  addPartial(out, b)
  return out
}

/** Adds another partial softmax to `into`, in place: it then is that of both sets. Nothing is checked. */
export function addPartial(into: PartialSoftmax, other: PartialSoftmax): void {
  checkObject('addPartial', into, 'into')
  checkObject('addPartial', other, 'other')
  const { max, mass, sum } = into
  const { cols } = sum
  if (into.spread && other.spread) addSpread(into.spread, other.spread)
  for (let r = 0; r < max.length; r++) {
    const top = Math.max(max[r], other.max[r])
    const left = factor(max[r], top)
    const right = factor(other.max[r], top)
    max[r] = top
    mass[r] = mass[r] * left + other.mass[r] * right
    for (let i = r * cols; i < (r + 1) * cols; i++) sum.data[i] = sum.data[i] * left + other.sum.data[i] * right
  }
}

/**
 * Divides a partial softmax: returns the averages that it stands for, sum / mass, and a row of zeros where nothing was seen.
 *
 * @returns rows × dv, fresh
 */
export function normalise(partial: PartialSoftmax): Matrix {
  checkObject('normalise', partial, 'partial')
  checkPartial('normalise', partial)
  const { rows, cols } = partial.sum
  const data = partial.sum.data.slice()
  divideRows(data, partial.mass, cols)
  return { rows, cols, data }
}

/** Divides row i of data (rows × cols) by mass[i] in place; rows without mass become zero. */
export function divideRows(data: Float32Array, mass: Float64Array, cols: number): void {
  checkObject('divideRows', mass, 'mass')
  for (let r = 0; r < mass.length; r++) {
    const inverse = mass[r] > 0 ? 1 / mass[r] : 0
    for (let i = r * cols; i < (r + 1) * cols; i++) data[i] *= inverse
  }
}

/** The factor e^{max − top}; 0 for an empty row, also where both are empty and −∞ − −∞ would be no number. */
function factor(max: number, top: number): number {
  return max === -Infinity ? 0 : Math.exp(max - top)
}

function checkPartial(who: string, { max, mass, sum }: PartialSoftmax): void {
  checkShape(who, 'sum', sum)
  if (!(isFloat32(max) && isFloat64(mass))) {
    throw new TypeError(`${who}: max must be a Float32Array and mass a Float64Array`)
  }
  if (max.length !== sum.rows || mass.length !== sum.rows) {
    throw new RangeError(
      `${who}: max, mass and sum must have the same rows, got ${max.length}, ${mass.length}, ${sum.rows}`,
    )
  }
}
