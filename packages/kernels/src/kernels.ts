/** An array in the kernels' own memory: kernels use it in place, ordinary arrays are copied in and out. */
export interface Resident<A extends Float32Array | Float64Array | Uint8Array> {
  readonly length: number
  /** The elements from … from + count − 1, in the same memory. Keeps the whole array alive. */
  range(from: number, count: number): Resident<A>
  /** A fresh copy of the elements. */
  read(): A
  /** Copies the elements to out[0 … length). */
  readInto(out: A): void
  /** Overwrites the elements from `at` on, also with those of another resident array. */
  write(values: A | Resident<A>, at?: number): void
  /** Row places[i] (or i) of this array of rows of `stride` entries becomes row picked[i] of another's. */
  copyRows(from: Resident<A>, stride: number, picked: readonly number[], places?: readonly number[]): void
  fill(value: number): void
  /** Gives the memory back now; without it the memory is released when the array is garbage. Any later use throws. */
  [Symbol.dispose](): void
}

export type Floats = Float32Array | Resident<Float32Array>
export type Doubles = Float64Array | Resident<Float64Array>

/**
 * Rows of numbers in a few bits each. Row r begins at byte offset + r·stride with a header of two bytes, lowest first: 13 bits are the upper bits of
 * its step in float32, the lowest three a shift k; then come the codes, `bits` bits each, signed, lowest bit first. Code c stands for
 * (c + ½ + (2k − 7)·2^bits/64)·step: even levels, moved so that the ends of the row lie as far from the ends of the levels.
 */
export interface PackedRows {
  readonly codes: Resident<Uint8Array>
  readonly offset: number
  readonly stride: number
  /** 2 … 8. */
  readonly bits: number
}

/** Which operand of a matrix product is read transposed: a·b, a·bᵀ or aᵀ·b. */
export type ProductForm = 'nn' | 'nt' | 'tn'

export interface AttentionBlock {
  readonly queries: Floats // rows × d
  readonly keys: Floats // keyCount × d
  readonly values: Floats // keyCount × dv
  /** keyCount: added to the scaled logits (log weights); finite. */
  readonly bias?: Floats
  readonly rows: number
  readonly keyCount: number
  readonly d: number
  readonly dv: number
  readonly scale: number
  /** Row i sees the first visible + ⌊i / groups⌋ keys (clamped to 0 … keyCount). Absent: all keys. */
  readonly causal?: { readonly visible: number; readonly groups: number }
  /** Calls of one to four rows sum in the order of longer ones, for the same bits: a fourth slower. */
  readonly inOrder?: boolean
  /** Running partial softmax of each row, continued in place: start with (−∞, 0, 0). */
  readonly max: Floats // rows
  readonly mass: Doubles // rows
  readonly sum: Floats // rows × dv
}

/** The same over tokens in codes: keys and values lie in the same rows, one stride apart. */
export interface CodedAttention extends Pick<
  AttentionBlock,
  'bias' | 'rows' | 'keyCount' | 'd' | 'dv' | 'scale' | 'causal'
> {
  readonly queries: Float32Array // rows × d
  readonly keys: PackedRows
  readonly values: PackedRows
  readonly max: Float32Array // rows
  readonly mass: Float64Array // rows
  readonly sum: Float32Array // rows × dv
}

/** Queries with the maximum and mass of their softmax over everything that they saw, and some of the keys. */
export interface ShareBlock {
  readonly queries: Floats // rows × d
  readonly keys: Floats | PackedRows // cols × d
  readonly max: Float32Array // rows
  readonly mass: Float64Array // rows
  /** cols: added to the scaled scores. */
  readonly bias?: Floats
  readonly rows: number
  readonly d: number
  readonly cols: number
  readonly scale: number
  /** Row i sees the first visible + ⌊i / groups⌋ keys (clamped to 0 … cols). Absent: all keys. */
  readonly causal?: { readonly visible: number; readonly groups: number }
}

/**
 * The inner loops. Matrices are row-major float32 and dense (stride = columns). Nothing is checked: sizes and finiteness are
 * the caller's. `out` never overlaps an input unless a kernel says that it works in place. Any size is allowed, also 0;
 * long jobs are cut into calls of at most a few milliseconds, with bounded scratch.
 */
export interface Kernels {
  readonly name: 'simd' | 'scalar'
  /** A zeroed resident array. */
  floats(length: number): Resident<Float32Array>
  doubles(length: number): Resident<Float64Array>
  bytes(length: number): Resident<Uint8Array>
  /**
   * out (rows × cols) = a·b, or += with accumulate. 'nn': a rows × inner, b inner × cols; 'nt': b is cols × inner; 'tn': a is
   * inner × rows. Every entry is summed over inner in ascending order from 0 and then stored or added once, so it does not
   * depend on how rows and columns were cut.
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
  /** out[i] = exp(x[i]) for i < count; relative error ≤ 1e-6 while the result is a normal float32, 0 below, ∞ above; in place if out === x. */
  exp(out: Floats, x: Floats, count: number): void
  /**
   * One online softmax step on scores (rows × cols), in place: with max' = max(max, row maximum), scores become
   * exp(score − max'), rescale[i] = exp(max − max') (1 where the row was empty), mass = mass·rescale + Σ scores, max = max'.
   */
  softmaxStep(scores: Floats, max: Floats, mass: Doubles, rescale: Floats, rows: number, cols: number): void
  /**
   * out[j] += Σ_r e^{min(0, scale·⟨q_r, k_j⟩ + bias[j] − max[r])} / mass[r] over the rows that see key j, in ascending order in float64: what
   * the keys receive of the rows' softmax. Nothing of a row without mass. The same bits however the rows are cut. Scores from codes are those
   * of attendCodes.
   */
  addShares(out: Float64Array, block: ShareBlock): void
  /**
   * Continues the partial softmax of every query row over a block of keys and values, without an array of rows × keyCount.
   * Keys are taken in blocks of 64, counted from the start of the array; keys that a row does not see add exact zeros. With
   * the simd kernels a row's answer is the same bit for bit whatever the other rows of the call, and however up to 4096 keys are cut
   * into calls at multiples of 64. Where a call has more, each 4096 are summed by themselves and joined in float64. Calls of one to four
   * rows (decoding) sum in another order and agree with longer calls to 1e-6 of the largest value, and with each other bit for bit; with
   * `inOrder` they agree bit for bit with longer calls.
   */
  attend(block: AttentionBlock): void
  /**
   * Attention in integers over tokens in codes, in place: no code becomes a float. A query times scale is rounded once, to integers of magnitude at most
   * M = min(32767, ⌊(2^31 − 1)/(2^(bits − 1)·d)⌋ (bits of the keys); its products with codes and their sum are exact. Weights times the
   * steps of their values are rounded to 15 bits, once for each 64 keys, counted from the start; their products with codes and the sums over the 64 are exact.
   * The same bits from both kernels, on every engine; a row's do not depend on the other rows, on keys that it does not see, nor
   * on cuts of up to 4096 keys at multiples of 64; more are joined as in `attend`. Error: a score is off by at most Σ|k_i|·scale·max|q_i|/(2M), what a block adds to a column by 1/65534 of its largest weight
   * times step, for each of its codes' levels in turn; and rounding in float32.
   */
  attendCodes(block: CodedAttention): void
  /** out (rows × width) = rows first … first + rows − 1 of packed codes: a product with few bits on either side, so exact while it is normal. */
  unpack(out: Floats, packed: PackedRows, first: number, rows: number, width: number): void
  /** out[r] = the squared distance of row first + r of packed codes from a point (width), in float32: the same bits whatever the other rows. */
  codeDistances(
    out: Float64Array,
    packed: PackedRows,
    first: number,
    rows: number,
    width: number,
    point: Float32Array,
  ): void
  /**
   * Rows of x (rows × width) → rows first … first + rows − 1 of packed codes: unpack's inverse. Of the eight shifts, the one at which the smallest step
   * reaches both ends of the row is tried, and its neighbours; with each the steps that are trials[t] (a multiple of four of them, at most 1) of the smallest that reaches,
   * rounded to their 13 bits. The first of least squared error is taken (summed in float32), and every entry goes to its nearest level, the even
   * code of two. A fixed order: the same bits from both kernels. Magnitudes < 2^120.
   */
  pack(packed: PackedRows, first: number, x: Doubles, rows: number, width: number, trials: Float64Array): void
  /**
   * Every row of x (rows × width), in place, by an orthogonal map: with p the largest power of two ≤ width, the first p entries times signs[0 … p),
   * times the Hadamard matrix over √p; where p < width then the last p likewise, with signs[p … 2p). With `back` by its inverse.
   * The same bits from both kernels.
   */
  turn(x: Doubles, signs: Int8Array, rows: number, width: number, back?: boolean): void
  /** max |x[i]| for i < count; NaN where any entry is, 0 for none. */
  largestMagnitude(x: Floats, count: number): number
  /** out[i] += factor · x[i]. */
  addScaled(out: Floats, x: Floats, factor: number, count: number): void
  /**
   * total[i], rest[i] ← the rounded total[i] + rest[i], and what rounding left: together they are what they were, exactly, while nothing leaves
   * float32. A sum of which `rest` takes every addend first, and `total` all of them, loses nothing however long it grows.
   */
  carry(total: Resident<Float32Array>, rest: Resident<Float32Array>, count: number): void
  /**
   * Polynomials mod p = 2^61 − 1 at keys < 2^53: function f has degree + 1 coefficients < p from word 2·(degree + 1)·f on, two
   * words each (the lower first), lowest degree first. out (functions × count) gets values 0 … p − 1 as two words each, or
   * with buckets from 1 to 2^31 the words ⌊value·buckets / 2^61⌋.
   */
  polynomials(
    out: Uint32Array,
    coefficients: Uint32Array,
    functions: number,
    degree: number,
    keys: Float64Array,
    count: number,
    buckets: number,
  ): void
  /**
   * out[2f], out[2f + 1] (64 bits, the lower word first) = bases[2f], bases[2f + 1] ⊕ A(s) for f < count: s (7 bits) is the XOR
   * of columns[t] over the set bits t of function f's 128-bit key, and bit l of A(s) is the parity of s & (1 + 2l). Byte p of
   * key f is byte f mod 16 of the 16 bytes that begin at word 64·⌊f/16⌋ + 4p of keys.
   */
  affineWords(out: Uint32Array, keys: Uint32Array, bases: Uint32Array, columns: Uint32Array, count: number): void
  /** out (rows × count): bit c of row r's words (⌈count/32⌉ a row, lowest bit first) clear → +unit, set → −unit. */
  expandSigns(out: Floats, words: Uint32Array, rows: number, count: number, unit: number): void
  /** out[targets[r·nonzeros + e], :] += factors[r·nonzeros + e] · block[r, :] for rows of `width` entries, in ascending order. */
  scatterAdd(
    out: Floats,
    block: Floats,
    targets: Uint32Array,
    factors: Float32Array,
    rows: number,
    nonzeros: number,
    width: number,
  ): void
  /**
   * out (rows × count): entry (r, c) is unit·Φ⁻¹((w + ½)·2⁻³²), rounded once, with w word r mod 4 of Philox4x32-10 under `key`
   * (lowest word first) at counter (⌊r/4⌋, low word of j, high word of j, stream), j = first + c < 2^53. Integers and
   * + − × ÷ √ in a fixed order: the same bits from both kernels, on every engine. |unit| times 6.3 bounds an entry.
   */
  normalColumns(
    out: Floats,
    key: readonly [number, number],
    stream: number,
    first: number,
    rows: number,
    count: number,
    unit: number,
  ): void
  /**
   * Columns of `functions` nonzeros from cubics mod p = 2⁶¹ − 1, one a function, each given by its values h at four consecutive
   * keys: values[8e …], two words a value, lowest first. Entry e of key c, the c-th after the first `skip`, is
   * t = ⌊h·2·height/2⁶¹⌋: targets[c·functions + e] = e·height + ⌊t/2⌋, factors[…] = unit, or −unit where t is odd. height ≤ 2^30.
   */
  cubicEntries(
    targets: Uint32Array,
    factors: Float32Array,
    values: Uint32Array,
    skip: number,
    count: number,
    functions: number,
    height: number,
    unit: number,
  ): void
  /**
   * out[r, :] += unit · Σ_c ±block[c, :], the sign (−1)^popcount(i & j) times the sign of j = first + c: i is index r (two
   * words, lowest first, m of them), and bit j mod 64 of a pair of `signs` words, one pair for each 64 indices touched, is set
   * for −1. Up to 64 rows cost their Walsh–Hadamard transform and one row added for each index. The same bits from both kernels.
   */
  hadamardAdd(
    out: Floats,
    block: Floats,
    first: number,
    count: number,
    width: number,
    signs: Uint32Array,
    indices: Uint32Array,
    unit: number,
  ): void
  /**
   * All monomials of x (rows × d) up to `degree`, in graded order: first the constant ratios[0]; then, degree by degree, for
   * i = 0 … d − 1 the entries xᵢ · (degree − 1 block from its first monomial without an index below i on) · ratio, each
   * feature f with its own ratios[f]. out is rows × C(d + degree, degree).
   */
  monomials(out: Floats, x: Floats, ratios: Float32Array, rows: number, d: number, degree: number): void
  /**
   * The same monomials of (x − shift)·unit, feature by feature: out is C(d + degree, degree) × rows. Twice as fast on a
   * block of rows, and the layout that products read without packing.
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
   * Any monomials, feature by feature: out (t × rows) gets row 0 factors[0] and row f = row parents[f] of out, times row
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
  /** out[c] = Σ_i x[i]·a[i, c], a inner × cols: x rounded to float32, runs of 16 in float32, their sum in float64. */
  dotColumns(out: Doubles, a: Resident<Float32Array>, x: Resident<Float64Array>, inner: number, cols: number): void
  /** out[r] += Σ_c weights[c]·a[r, c] (weights 1 where absent): 64 columns at a time in float32, their sums in float64. */
  rowSums(
    out: Resident<Float64Array>,
    a: Resident<Float32Array>,
    rows: number,
    cols: number,
    weights?: Float32Array,
  ): void
}
