import type { AttentionStream, Given } from '@sublinear/core'

export interface AttentionStreamLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** A fresh, empty stream; always the same one. Its d, dv, scale and merging are read from it. */
  readonly make: () => AttentionStream
  /** The stream of a snapshot. Without it, snapshots are only compared. */
  readonly restore?: ((bytes: Uint8Array) => AttentionStream) | undefined
  /** Streams that merge must refuse, by the word that its message must contain: `{ dv: () => myStream({ dv: 9, … }) }`. */
  readonly differs?: Readonly<Record<string, () => AttentionStream>> | undefined
  /** Rounding: how far answers to one question may differ when only the order of arithmetic does. Default 1e-5. */
  readonly tolerance?: number | undefined
  /** Approximation: how far answers may be from exact attention, in units of max |v|. Default: the tolerance, an exact stream. */
  readonly error?: number | undefined
  /** Bound on |scale · ⟨q, k⟩| where numbers are compared. Default 1. */
  readonly scores?: number | undefined
  /** Whether cutting a stream otherwise gives the same bits or the same numbers to the tolerance. Default: bits. */
  readonly cuts?: 'bits' | 'tolerance' | undefined
}

/** The options, complete. */
export type StreamCase = Given<Omit<AttentionStreamLaws, 'restore'>> & Pick<AttentionStreamLaws, 'restore'>
