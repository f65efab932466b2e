import type { HeldTensor, KvBlock, Matrix, PartialSoftmax, Shape, State, Tensor } from '@sublinear/core'

/** A shape; of its features, stores use `softcap` alone. */
export interface HeldTokensOptions extends Shape {
  /** The most tokens that will be held at once. */
  readonly most: number
  /** Whether weights may be held in 16 bits once tokens are in codes. Default: false. */
  readonly shortWeights?: boolean | undefined
}

/** Row i sees the first visible + ⌊i / groups⌋ tokens. */
export interface Causal {
  readonly visible: number
  readonly groups: number
}

/** Levels of the softmax of some queries: a partial softmax without its sums. */
export type Levels = Pick<PartialSoftmax, 'max' | 'mass'>

/** Tokens in the form in which a store would hold them, outside its slots; valid until others are staged. */
export interface StagedTokens extends Disposable {
  /** Squared distances from a point, in the same bits as the store's `distances`. */
  distances(point: Float64Array): Float64Array
  /** A copy of these rows, in the same bits as the store's `read`; with weights where the block has them. */
  read(rows: readonly number[]): KvBlock
  /** Puts these rows into these slots of the store; all of these slots are in use. */
  put(rows: readonly number[], slots: readonly number[]): void
}

/** Tokens in slots 0 … count − 1. Nothing is checked: the caller has checked the blocks. */
export interface HeldTokens extends Disposable {
  readonly count: number
  readonly bytes: number
  /** JSON of everything that decides how tokens are held, `kind` first: two stores with equal specs hold the same tokens in the same bits. */
  readonly spec: string
  /** The reason why there are no error bars over its tokens. Absent: it holds tokens as they came, or fills spreads. */
  readonly noBars?: string | undefined
  /** Weights of the slots, where any differs from 1. */
  readonly weights: Float32Array | undefined
  /** Writes rows from … from + rows − 1 of the block to the slots from `at` on: over tokens that are there, or right behind the last. */
  write(block: KvBlock, from: number, rows: number, at: number): void
  /** Gives the slots from `at` on other weights. */
  weigh(at: number, weights: Float32Array): void
  /** A copy of the slots from … from + rows − 1, as they are held; weights only where one of them differs from 1. */
  read(from?: number, rows?: number): KvBlock
  /** Copies the slot's key and value, as they are held, into row `at` of matrices. */
  readInto(keys: Matrix, values: Matrix, at: number, slot: number): void
  /** A copy of these slots, one after the other, as `read` gives them; with weights where any held token has a weight other than 1. */
  readAt(slots: readonly number[]): KvBlock
  /** Rows from … from + rows − 1 of a block in the form in which they would be held, so that they can be compared and then put into slots. */
  staged(block: KvBlock, from: number, rows: number): StagedTokens
  /** A copy of the keys alone, rows × d. */
  readKeys(from?: number, rows?: number): Matrix
  /** Squared distances of the held keys from a point; the bits do not depend on the other rows. */
  distances(point: Float64Array, from?: number, rows?: number): Float64Array
  /** Asks for the memory that so many tokens take, and gives it back; throws where there is none. */
  reserve(tokens: number): void
  /** Forgets the slots from `count` on. */
  truncate(count: number): void
  clear(): void
  /**
   * Continues a partial softmax in place over all slots. With causal, row i sees the first visible + ⌊i / groups⌋. inOrder: a row's bits are the same
   * however many rows there are. observed: `addShares` of the same queries comes next; a store may keep their scores for it.
   */
  attend(queries: Matrix, partial: PartialSoftmax, causal?: Causal, inOrder?: boolean, observed?: boolean): void
  /**
   * Adds to out (one number a slot) the share that the slots receive of the whole softmax of some queries: e^{score − max}/mass from each query that sees them.
   * Nothing is copied or decoded.
   */
  addShares(out: Float64Array, queries: Matrix, softmax: Levels, causal?: Causal): void
  /** A store of its own with the same tokens, bit for bit. */
  copy(): HeldTokens
  /** Tensors for a snapshot. */
  saved(): Record<string, Tensor | HeldTensor>
  /**
   * Fills the empty store, bit for bit, from a state with the tensors that `saved` gave.
   *
   * @throws RangeError when the tensors do not fit, before anything has changed
   */
  restore(kind: string, state: State): void
}

/** Way in which tokens are held: `float32`, or `quantised({ keyBits, valueBits })` in fewer bytes. */
export interface TokenStore {
  /** Spec of the stores that it makes. */
  readonly spec: string
  /**
   * Whether a token is held, from the moment it comes, as it always will be. Answers then do not depend, even in their rounding, on what comes later in a call.
   */
  readonly steady: boolean
  make(options: HeldTokensOptions): HeldTokens
  /** The most bytes, exactly, that a store made with these options ever holds while it has at most `tokens` at once. */
  bytes(options: HeldTokensOptions, tokens: number, weighted: boolean): number
}
