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

export interface AttentionBlock {
  readonly queries: Floats // rows × d
  readonly keys: Floats // keyCount × d
  readonly values: Floats // keyCount × dv
  /** Log weights, keyCount of them, added to the scores; finite. Absent: zeros. */
  readonly bias?: Floats | undefined
  readonly rows: number
  readonly keyCount: number
  readonly d: number
  readonly dv: number
  readonly scale: number
  /** Row i sees the first visible + ⌊i / groups⌋ keys (clamped to 0 … keyCount). Absent: all keys. */
  readonly causal?: { readonly visible: number; readonly groups: number } | undefined
  /** Whether calls of one to four rows sum in the order of longer calls, for the same bits; that is a fourth slower. */
  readonly inOrder?: boolean | undefined
  /**
   * Where calls in order of one to four rows leave their scores, biases included, for `addShares`: rows × scoreRow, a multiple of 64, of which the first
   * keyCount of a row are scores. The scalar kernels leave none, and neither do other calls.
   */
  readonly scores?: Resident<Float32Array> | undefined
  readonly scoreRow?: number | undefined
  /** Running partial softmax of each row, continued in place: start with (−∞, 0, 0). */
  readonly max: Floats // rows
  readonly mass: Doubles // rows
  readonly sum: Floats // rows × dv
}

/** Queries, with the maximum and mass of their softmax over everything that they saw; and some of the keys. */
export interface ShareBlock {
  readonly queries: Floats // rows × d
  readonly keys: Floats // cols × d
  readonly max: Float32Array // rows
  readonly mass: Float64Array // rows
  /** Log weights, cols of them, added to the scores. Absent: zeros. */
  readonly bias?: Floats | undefined
  /** Scores that `attend` left for these rows and keys: they are read in place of keys and biases. All rows see all keys then. */
  readonly scores?: Resident<Float32Array> | undefined
  readonly scoreRow?: number | undefined
  readonly rows: number
  readonly d: number
  readonly cols: number
  readonly scale: number
  /** Row i sees the first visible + ⌊i / groups⌋ keys (clamped to 0 … cols). Absent: all keys. */
  readonly causal?: { readonly visible: number; readonly groups: number } | undefined
}

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
  /**
   * Adds the shares of the rows' softmax that keys receive: out[j] += Σ_r e^{min(0, scale·⟨q_r, k_j⟩ + bias[j] − max[r])} / mass[r] over the rows that see
   * key j, in ascending order in float64. A row without mass adds nothing. The bits are the same however the rows are cut.
   */
  addShares(out: Float64Array, block: ShareBlock): void
  /**
   * Continues the partial softmax of every query row over a block of keys and values, without an array of rows × keyCount.
   * Keys are taken in blocks of 64, counted from the start of the array; keys that a row does not see add exact zeros. With
   * the simd kernels a row's answer has the same bits whatever the other rows of the call, and however up to 4096 keys are cut
   * into calls at multiples of 64. Where a call has more keys, each 4096 are summed by themselves, and the sums are joined in float64. Calls of one to four
   * rows (decoding) sum in another order: they agree with each other bit for bit, and with longer calls to 1e-6 of the largest value; with
   * `inOrder` they agree with longer calls bit for bit.
   */
  attend(block: AttentionBlock): void
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
