import type { KvBlock, Matrix } from '@sublinear/core'

/** The first n rows of a matrix. */
export const firstRows = (m: Matrix, n: number): Matrix => ({ ...m, rows: n, data: m.data.subarray(0, n * m.cols) })

/** An argument that must be refused, and the class of the error. */
export interface Broken<T> {
  readonly value: T
  readonly error: typeof TypeError | typeof RangeError
  readonly what: string
  /** Column that the message must name. */
  readonly place?: number | undefined
}

/** Makes copies of a good matrix, each broken in another way; `broken` is the entry that is written into row `row`. */
export function brokenMatrices(good: Matrix, row: number, broken: number): Broken<Matrix>[] {
  const { rows, cols, data } = good
  const entry = data.slice()
  entry[row * cols + cols - 1] = broken
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, 'undefined'],
    [null, TypeError, 'null'],
    [7, TypeError, 'a number'],
    [[[1]], TypeError, 'arrays'],
    [{ rows, cols, data: [...data] }, TypeError, 'with an array for data'],
    [{ rows, cols, data: Float64Array.from(data) }, TypeError, 'in float64'],
    [{ rows: String(rows), cols, data }, TypeError, 'with text for rows'],
    [{ rows: rows + 0.5, cols, data }, RangeError, 'with half a row'],
    [{ rows: -rows, cols: -cols, data }, RangeError, 'with negative sizes'],
    [{ rows, cols, data: data.subarray(1) }, RangeError, 'with an entry less'],
    [{ rows, cols: cols + 1, data: new Float32Array(rows * (cols + 1)) }, RangeError, 'too wide'],
    [{ rows: rows * cols, cols: 1, data }, RangeError, 'too narrow'],
  ]
  const listed = wrong.map(([value, error, what]) => ({ value: value as Matrix, error, what }))
  const narrow = cols === 1 ? listed.slice(0, -1) : listed
  const value = { rows, cols, data: entry }
  return [...narrow, { value, error: RangeError, what: `with ${broken}`, place: cols - 1 }]
}

/** Makes copies of a good block, each broken in another way. */
export function brokenBlocks(good: KvBlock, row: number, broken: number): Broken<KvBlock>[] {
  const { rows } = good.keys
  const weights = new Float32Array(rows).fill(1)
  const less = (m: Matrix) => ({ ...m, rows: rows - 1, data: m.data.subarray(m.cols) })
  const named = (name: 'keys' | 'values') =>
    brokenMatrices(good[name], row, broken).map((one) => ({
      ...one,
      value: { ...good, [name]: one.value },
      what: `${name} ${one.what}`,
    }))
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, 'undefined'],
    [null, TypeError, 'null'],
    [{}, TypeError, 'no keys'],
    [{ ...good, values: less(good.values) }, RangeError, 'a value less than keys'],
    [{ ...good, keys: less(good.keys) }, RangeError, 'a key less than values'],
    [{ ...good, weights: [...weights] }, TypeError, 'an array of weights'],
    [{ ...good, weights: new Float64Array(rows).fill(1) }, TypeError, 'float64 weights'],
    [{ ...good, weights: weights.subarray(1) }, RangeError, 'a weight less'],
    [{ ...good, weights: new Float32Array(rows + 1).fill(1) }, RangeError, 'a weight more'],
    ...[0, -0, -1, broken].map((weight): [unknown, typeof RangeError, string] => [
      { ...good, weights: weights.map((w, i) => (i === row ? weight : w)) },
      RangeError,
      `a weight of ${weight}`,
    ]),
  ]
  const listed = wrong.map(([value, error, what]) => ({ value: value as KvBlock, error, what }))
  return [...listed, ...named('keys'), ...named('values')]
}
