import type { AttentionBlock, Doubles, Floats, Resident, ShareBlock } from './kernels'

/**
 * Rows of numbers in a few bits each. Row r begins at byte offset + r·stride with a header of two bytes, lowest first: 13 bits are the upper bits of
 * its step in float32, the lowest three a shift k; then come the codes, `bits` bits each, signed, lowest bit first. Code c stands for
 * (c + ½ + (2k − 7)·2^bits/64)·step: even levels, moved so that the ends of the row lie as far from the ends of the levels.
 */
export interface PackedRows {
  readonly codes: Resident<Uint8Array>
  readonly offset: number
  readonly stride: number
  /** Bits of a code, 2 … 8. */
  readonly bits: number
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

/** A block of shares over keys in codes. */
export interface CodedShares extends Omit<ShareBlock, 'keys'> {
  readonly keys: PackedRows // cols × d
}

/** Kernels over tokens in few bits, beside those of `kernels()` and of the same name. */
export interface CodeKernels {
  readonly name: 'simd' | 'scalar'
  /** `addShares` over keys in codes, with the scores of attendCodes. */
  addShares(out: Float64Array, block: CodedShares): void
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
}
