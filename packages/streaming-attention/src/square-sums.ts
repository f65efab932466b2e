import type { Matrix } from '@sublinear/core'

/** Sums of squares of what was pushed, of which the bound of a sketched product is made. */
export interface SquareSums {
  /** ‖U₂‖_F², then ‖V_c‖² of each column as it was pushed, then Σ|change| of each: 1 + 2·dv numbers. */
  readonly data: Float64Array
  addKeys(u2: Matrix): void
  addValues(block: Matrix): void
  /** A change of one row of V by scale · row. */
  change(row: Float32Array, scale: number): void
  add(other: SquareSums): void
  /**
   * Bounds of ‖U₂‖_F and of each ‖V_c‖, less the means of so many rows where a control variate takes them out.
   *
   * @param means  sums of the columns of U₂ and V over all rows, and how many rows there are
   */
  norms(means?: { readonly keys: Float64Array; readonly values: Float64Array; readonly rows: number }): {
    readonly keys: number
    readonly values: Float64Array
  }
}

/**
 * Running sums of squares for rows that come once each. A change of a row adds its size to the norm, since nobody knows what stood there.
 *
 * @param from  sums to go on with
 */
export function squareSums(dv: number, from?: Float64Array): SquareSums {
  const data = from ?? new Float64Array(1 + 2 * dv)
  return {
    data,
    addKeys(u2) {
      for (const x of u2.data.subarray(0, u2.rows * u2.cols)) data[0] += x * x
    },
    addValues(block) {
      for (let i = 0; i < block.data.length; i++) data[1 + (i % dv)] += block.data[i] ** 2
    },
    change(row, scale) {
      for (let c = 0; c < dv; c++) data[1 + dv + c] += Math.abs(row[c] * scale)
    },
    add(other) {
      for (const [i, x] of other.data.entries()) data[i] += x
    },
    norms(means) {
      const less = (square: number, sum: number) => Math.max(0, square - (means ? (sum * sum) / means.rows : 0))
      const keys = means?.keys.reduce((square, sum) => less(square, sum), data[0]) ?? data[0]
      return {
        keys: Math.sqrt(keys),
        values: Float64Array.from({ length: dv }, (_, c) =>
          Math.sqrt(less((Math.sqrt(data[1 + c]) + data[1 + dv + c]) ** 2, means?.values[c] ?? 0)),
        ),
      }
    },
  }
}
