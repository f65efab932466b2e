import type { HeldTensor, KvBlock, Matrix, PartialSoftmax, Shape, State, Tensor } from '@sublinear/core'

/** A shape, of whose features stores look at `softcap` alone. */
export interface HeldTokensOptions extends Shape {
  /** The most tokens that will be held at once. */
  readonly most: number
  /** Whether weights may be held in 16 bits once tokens are in codes. Default false. */
  readonly shortWeights?: boolean | undefined
}

/** Row i sees the first visible + ⌊i / groups⌋ tokens. */
export interface Causal {
  readonly visible: number
  readonly groups: number
}

/** Softmax levels of some queries: all of a partial softmax but its sums. */
export type Levels = Pick<PartialSoftmax, 'max' | 'mass'>

/** Tokens as a store would hold them, outside of its slots. Good until the next are staged. */
export interface StagedTokens extends Disposable {
  /** Squared distances from a point: the bits of the store's `distances`. */
  distances(point: Float64Array): Float64Array
  /** A copy of these rows, the bits of the store's `read`; with weights where the block has them. */
  read(rows: readonly number[]): KvBlock
  /** Puts these rows into these slots of the store, all of them in use. */
  put(rows: readonly number[], slots: readonly number[]): void
}

/** Tokens in slots 0 … count − 1. Nothing is checked: blocks are the caller's, checked before. */
export interface HeldTokens extends Disposable {
  readonly count: number
  readonly bytes: number
  /** JSON of what decides how tokens are held, `kind` first: two with equal specs hold the same tokens in the same bits. */
  readonly spec: string
  /** Why there are no error bars over what it holds. Absent: it holds tokens as they came, or fills spreads. */
  readonly noBars?: string | undefined
  /** Weights of the slots, where any differs from 1. */
  readonly weights: Float32Array | undefined
  /** Puts rows from … from + rows − 1 of the block into the slots at …, over what is there or right behind it. */
  write(block: KvBlock, from: number, rows: number, at: number): void
  /** Gives the slots at … other weights. */
  weigh(at: number, weights: Float32Array): void
  /** A copy of the slots from … from + rows − 1, as they are held; weights only where one of them differs from 1. */
  read(from?: number, rows?: number): KvBlock
  /** Copies the slot's key and value, as they are held, into row `at` of matrices. */
  readInto(keys: Matrix, values: Matrix, at: number, slot: number): void
  /** A copy of these slots, one after the other, as `read` gives them; with weights where any token held has another than 1. */
  readAt(slots: readonly number[]): KvBlock
  /** Rows from … from + rows − 1 of a block in the form in which they would be held, to be looked at and put into slots. */
  staged(block: KvBlock, from: number, rows: number): StagedTokens
  /** The keys alone (rows × d). */
  readKeys(from?: number, rows?: number): Matrix
  /** Squared distances from a point of the keys that are held; the same bits whatever the other rows. */
  distances(point: Float64Array, from?: number, rows?: number): Float64Array
  /** Asks for the memory that so many tokens take and gives it back: throws where there is none. */
  reserve(tokens: number): void
  /** Forgets the slots from `count` on. */
  truncate(count: number): void
  clear(): void
  /** Continues a partial softmax in place over all slots; with causal, row i sees the first visible + ⌊i / groups⌋; inOrder: the same bits however many rows. */
  attend(queries: Matrix, partial: PartialSoftmax, causal?: Causal, inOrder?: boolean): void
  /**
   * Adds to out (one number a slot) what the slots receive of the whole softmax of some queries: e^{logit − max}/mass from each that sees them.
   * Nothing is copied or decoded.
   */
  addShares(out: Float64Array, queries: Matrix, softmax: Levels, causal?: Causal): void
  /** Tensors for a snapshot. */
  saved(): Record<string, Tensor | HeldTensor>
  /**
   * Fills the empty store from a state that carries what `saved` gave, bit for bit.
   *
   * @throws RangeError when the tensors do not fit, before anything has changed
   */
  restore(kind: string, state: State): void
}

/** How tokens are held: `float32`, or `quantised({ keyBits, valueBits })` in fewer bytes. */
export interface TokenStore {
  /** The spec of what it makes. */
  readonly spec: string
  /** Whether a token is held from its coming on as it will be: then answers do not depend, even in their rounding, on what comes later in a call. */
  readonly steady: boolean
  make(options: HeldTokensOptions): HeldTokens
  /** The most bytes that a store made so ever holds while there are at most `tokens` in it at once, exactly. */
  bytes(options: HeldTokensOptions, tokens: number, weighted: boolean): number
}
