/** An array in the kernels' own memory. Kernels use it where it lies; ordinary arrays are copied in and out. */
export interface Resident<A extends Float32Array | Float64Array | Uint8Array> {
  readonly length: number
  /** The elements from … from + count − 1, in the same memory. A range keeps the whole array alive. */
  range(from: number, count: number): Resident<A>
  /** A fresh copy of the elements. */
  read(): A
  /** Copies the elements to out[0 … length). */
  readInto(out: A): void
  /** Overwrites the elements from `at` on, also with those of another resident array. */
  write(values: A | Resident<A>, at?: number): void
  /** Copies rows of `stride` entries: row picked[i] of another array becomes row places[i] (row i where `places` is absent) of this one. */
  copyRows(from: Resident<A>, stride: number, picked: readonly number[], places?: readonly number[]): void
  fill(value: number): void
  /** Gives the memory back now; without this call it is given back when the array is garbage. Any later use throws. */
  [Symbol.dispose](): void
}

export type Floats = Float32Array | Resident<Float32Array>
export type Doubles = Float64Array | Resident<Float64Array>

/** Form of a matrix product, by which operand is read transposed: a·b, a·bᵀ or aᵀ·b. */
export type ProductForm = 'nn' | 'nt' | 'tn'

/**
 * The inner loops. Matrices are row-major float32 and dense (stride = columns). Nothing is checked: sizes and finiteness are the caller's business. `out`
 * never overlaps an input unless a kernel says that it works in place. Any size is allowed, also 0. Long jobs are cut into calls of at most a few milliseconds,
 * with bounded scratch.
 */
export interface Kernels {
  readonly name: 'simd' | 'scalar'
  /** A zeroed resident array. */
  floats(length: number): Resident<Float32Array>
  doubles(length: number): Resident<Float64Array>
  bytes(length: number): Resident<Uint8Array>
  /**
   * Computes out (rows × cols) = a·b, or += with accumulate. 'nn': a is rows × inner, b inner × cols; 'nt': b is cols × inner; 'tn': a is inner × rows.
   * Every entry is summed over inner in ascending order from 0 and then stored or added once, so it does not depend on how rows and columns were cut.
   */
  product(
    form: ProductForm,
    out: Floats,
    a: Floats,
    b: Floats,
    rows: number,
    inner: number,
    cols: number,
    accumulate?: boolean,
  ): void
  /**
   * Computes out[i] = exp(x[i]) for i < count, in place if out === x. The relative error is ≤ 1e-6 while the result is a normal float32; it is 0 below and ∞ above.
   */
  exp(out: Floats, x: Floats, count: number): void
  /**
   * Does one step of online softmax on scores (rows × cols), in place: with max' = max(max, row maximum), scores become
   * exp(score − max'), rescale[i] = exp(max − max') (1 where the row was empty), mass = mass·rescale + Σ scores, max = max'.
   */
  softmaxStep(scores: Floats, max: Floats, mass: Doubles, rescale: Floats, rows: number, cols: number): void
  /** The largest |x[i]| for i < count; NaN where any entry is NaN, 0 for no entries. */
  largestMagnitude(x: Floats, count: number): number
  /** Adds factor · x[i] to out[i]. */
  addScaled(out: Floats, x: Floats, factor: number, count: number): void
  /**
   * Moves rest[i] into total[i]: total[i] becomes the rounded total[i] + rest[i], and rest[i] what rounding left. Together they stay what they were, exactly,
   * while nothing leaves float32. A sum loses nothing, however long it grows, if every addend goes to `rest` first and `rest` to `total` after each addend.
   */
  carry(total: Resident<Float32Array>, rest: Resident<Float32Array>, count: number): void
  /**
   * Computes all monomials of x (rows × d) up to `degree`, in graded order: first the constant ratios[0]; then, degree by degree, for
   * i = 0 … d − 1 the entries xᵢ · (degree − 1 block from its first monomial without an index below i on) · ratio, each
   * feature f with its own ratios[f]. out is rows × C(d + degree, degree).
   */
  monomials(out: Floats, x: Floats, ratios: Float32Array, rows: number, d: number, degree: number): void
  /**
   * Computes the same monomials of (x − shift)·unit, feature by feature: out is C(d + degree, degree) × rows. This is twice as fast on a block of rows, and
   * products read the layout without packing.
   */
  monomialColumns(
    out: Resident<Float32Array>,
    x: Floats,
    shift: Float32Array,
    unit: number,
    ratios: Float32Array,
    rows: number,
    d: number,
    degree: number,
  ): void
}
