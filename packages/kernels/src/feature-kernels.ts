import type { Doubles, Resident } from './kernels'

/** Kernels of streams of features, beside those of `kernels()` that have the same name. */
export interface FeatureKernels {
  readonly name: 'simd' | 'scalar'
  /**
   * Computes any monomials, feature by feature: out (t × rows) gets row 0 factors[0] and row f = row parents[f] of out, times row
   * coordinates[f] of z (variables × rows), times factors[f]; parents[f] < f. t is factors.length.
   */
  monomialTable(
    out: Resident<Float32Array>,
    z: Resident<Float32Array>,
    parents: Uint32Array,
    coordinates: Uint32Array,
    factors: Float32Array,
    rows: number,
  ): void
  /** Computes out[c] = Σ_i x[i]·a[i, c], a inner × cols: x is rounded to float32, runs of 16 products are summed in float32, the runs in float64. */
  dotColumns(out: Doubles, a: Resident<Float32Array>, x: Resident<Float64Array>, inner: number, cols: number): void
  /** Adds Σ_c weights[c]·a[r, c] to out[r] (weights 1 where absent): 64 columns at a time are summed in float32, these sums in float64. */
  rowSums(
    out: Resident<Float64Array>,
    a: Resident<Float32Array>,
    rows: number,
    cols: number,
    weights?: Float32Array,
  ): void
}
