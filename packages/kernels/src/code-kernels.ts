import type { AttentionBlock, ShareBlock } from './attention-kernels'
import type { Doubles, Floats, Resident } from './kernels'

/**
 * Rows of numbers in a few bits each. Row r begins at byte offset + r·stride with a header of two bytes, lowest first: its upper 13 bits are the upper bits
 * of the row's step in float32, its lowest three bits a shift k. Then come the codes, `bits` bits each, signed, lowest bit first. Code c stands for
 * (c + ½ + (2k − 7)·2^bits/64)·step: evenly spaced levels, moved by the shift so that they lie around the middle of the row.
 */
export interface PackedRows {
  readonly codes: Resident<Uint8Array>
  readonly offset: number
  readonly stride: number
  /** Bits of a code, 2 … 8. */
  readonly bits: number
}

/** A block of attention over tokens in codes: keys and values lie in the same rows, each row one stride after the other. */
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

/** A block of keys in codes, of which `addShares` adds up the shares. */
export interface CodedShares extends Omit<ShareBlock, 'keys'> {
  readonly keys: PackedRows // cols × d
}

/** Moves rows that are turned back by a centre, and keeps their entries in bounds. */
export interface MovedBack {
  readonly centre: Float32Array // width
  /** How many times the centre is added to each row; once where it is left out. */
  readonly times?: Float64Array | undefined // rows
  /** Largest magnitude of an entry; a larger one becomes it. */
  readonly most: number
}

/** Kernels over tokens in codes, beside those of `kernels()` that have the same name. */
export interface CodeKernels {
  readonly name: 'simd' | 'scalar'
  /** Does what `addShares` of `kernels()` does, over keys in codes, with the scores of attendCodes. */
  addShares(out: Float64Array, block: CodedShares): void
  /**
   * Computes attention in integers over tokens in codes, where they lie: no code becomes a float. A query times scale is rounded once, to integers of
   * magnitude at most
   * M = min(32767, ⌊(2^31 − 1)/(2^(bits − 1)·d)⌋ (bits of the keys); its products with codes and their sum are exact. Weights times the
   * steps of their values are rounded to 15 bits, once for each 64 keys, counted from the start; their products with codes and the sums over the 64 are exact.
   * The scalar and the SIMD kernels give the same bits, on every engine. The bits of a row do not depend on the other rows, on keys that it does not see, or on how up to 4096
   * keys are cut at multiples of 64; more keys are joined as in `attend`.
   * Error: a score is off by at most Σ|k_i|·scale·max|q_i|/(2M). Each token's share in a column is off by at most 1/65534 of the largest weight times step of
   * its block, times the token's level; and there is float32 rounding.
   */
  attendCodes(block: CodedAttention): void
  /**
   * Writes rows first … first + rows − 1 of packed codes to out (rows × width) as floats. Each is a product of two factors of few bits, so it is exact while it is
   * a normal float32.
   */
  unpack(out: Floats, packed: PackedRows, first: number, rows: number, width: number): void
  /** Writes the squared distance of row first + r of packed codes from a point (width) to out[r], in float32: the same bits whatever the other rows. */
  codeDistances(
    out: Float64Array,
    packed: PackedRows,
    first: number,
    rows: number,
    width: number,
    point: Float32Array,
  ): void
  /**
   * Packs rows of x (rows × width) as rows first … first + rows − 1 of codes: the inverse of unpack. Of the eight shifts, it tries the one at which the smallest
   * step reaches both ends of the row, and its neighbours. With each shift it tries steps: trials[t] times the smallest step that reaches, rounded to 13 bits
   * (as many trials as a multiple of four, each at most 1). It takes the first pair of least squared error (summed in float32), and rounds every entry to its
   * nearest level, to the even code of two. The order is fixed: both kernels give the same bits. Magnitudes must be below 2^120.
   */
  pack(packed: PackedRows, first: number, x: Doubles, rows: number, width: number, trials: Float64Array): void
  /** Packs rows of x (rows × width) less a centre (width), turned: the same bits as from the doubles that `turn` and `pack` would take. */
  packTurned(
    packed: PackedRows,
    first: number,
    x: Float32Array,
    rows: number,
    width: number,
    trials: Float64Array,
    centre: Float32Array,
    signs: Int8Array,
  ): void
  /**
   * Turns every row of x (rows × width) in place, by an orthogonal map. With p the largest power of two ≤ width, it multiplies the first p entries by
   * signs[0 … p), then by the Hadamard matrix over √p; where p < width, then the last p entries likewise, with signs[p … 2p). With `back` it applies the
   * inverse map. Both kernels give the same bits.
   */
  turn(x: Doubles, signs: Int8Array, rows: number, width: number, back?: boolean): void
  /**
   * Writes rows of x (rows × width), turned, to out, which may be x. With `back` it applies the inverse map, adds the centre and keeps the bounds. It computes
   * in doubles, and rounds each entry once, at the end. Both kernels give the same bits.
   */
  turnRows(out: Float32Array, x: Float32Array, signs: Int8Array, rows: number, width: number, back?: MovedBack): void
}
