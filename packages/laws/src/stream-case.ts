import type { AttentionStream, Given } from '@sublinear/core'

export interface AttentionStreamLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes a fresh, empty stream, always the same one. Its d, dv, scale and merging are read from it. */
  readonly make: () => AttentionStream
  /** Restores the stream from a snapshot. Absent: snapshots are only compared. */
  readonly restore?: ((bytes: Uint8Array) => AttentionStream) | undefined
  /** Streams that merge must refuse, by the word that its message must contain: `{ dv: () => myStream({ dv: 9, … }) }`. */
  readonly differs?: Readonly<Record<string, () => AttentionStream>> | undefined
  /** Rounding: largest difference of answers to one question when only the order of arithmetic differs. Default 1e-5. */
  readonly tolerance?: number | undefined
  /** Approximation: largest difference of answers from exact attention, in units of max |v|. Default: the tolerance, for an exact stream. */
  readonly error?: number | undefined
  /** Bound on |scale · ⟨q, k⟩| where numbers are compared. Default 1. */
  readonly scores?: number | undefined
  /** Whether a stream that is cut in another way gives the same bits, or the same numbers up to the tolerance. Default: bits. */
  readonly cuts?: 'bits' | 'tolerance' | undefined
}

/** Options of the laws with all defaults filled in. */
export type StreamCase = Given<Omit<AttentionStreamLaws, 'restore'>> & Pick<AttentionStreamLaws, 'restore'>
