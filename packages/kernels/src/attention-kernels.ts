import type { Doubles, Floats, Resident } from './kernels'

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

/** Kernels of softmax attention, beside those of `kernels()` that have the same name. */
export interface AttentionKernels {
  readonly name: 'simd' | 'scalar'
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
}
