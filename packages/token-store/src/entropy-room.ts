import { checkObject, type KvBlock, type Matrix, type PartialSoftmax, type Shape, type Tensor } from '@sublinear/core'
import type { Steps } from './entropy-steps'
import type { RowPool } from './row-pool'
import type { Centres } from './token-coder'

export interface EntropyTokensOptions extends Shape {
  /** Number of tokens for which there is room. */
  readonly count: number
  /** Bits that an entry should take on average. */
  readonly bits: number
}

/** Tokens as entropy-coded integers, in a room that never grows. Nothing is checked: the caller has checked the blocks. */
export interface EntropyTokens {
  readonly count: number
  readonly bytes: number
  /** Takes the tokens of a block and returns those that have no room, in the order in which they left; with `dropped` nobody reads them. */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** A copy of the tokens held, as they are held. */
  read(): KvBlock
  /** Continues a partial softmax over all tokens; inOrder: in the same bits however many query rows there are. */
  attend(queries: Matrix, partial: PartialSoftmax, inOrder: boolean): void
  /** Everything that it holds now, for a copy. */
  held(): Held
  saved(): { readonly parameters: Record<string, string>; readonly tensors: Record<string, Tensor> }
}

interface Held {
  readonly pool: RowPool
  readonly sum: Float64Array // d
  readonly weight: number
  readonly centres: Centres
  readonly steps: Steps
  readonly weights: Float32Array | undefined
}

/** The room for codes, in bytes: what the tokens should take, a bit for each token for the headers of blocks, and a first token before anything is known. */
export function roomOf({ d, dv, count, bits }: Omit<EntropyTokensOptions, 'scale'>): number {
  return Math.floor((count * Math.ceil(bits * (d + dv) + 1)) / 8) + 2 * (d + dv) + 8
}

/** The bytes held, whatever comes: the room, the running sum of the keys, the first token, and the means with which blocks begin. */
export function entropyBytes(options: Omit<EntropyTokensOptions, 'scale'>): number {
  checkObject('entropyBytes', options)
  const { d, dv } = options
  return roomOf(options) + 12 * (d + dv) + 8 * (d + 1)
}
