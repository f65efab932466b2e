import type { AttentionStream, Checks, KvBlock, Matrix, PartialSoftmax, Shape } from './contracts'
import type { HeldTensor } from './held-tensor'
import type { Life } from './life'
import type { Tensor } from './safetensors'
import type { Snapshot, State } from './snapshot'

/** Tokens that have just come with their queries: the last `count` tokens taken, `groups` query rows each. */
export interface Arrived {
  readonly count: number
  readonly groups: number
}

/** Says which tokens a stream can take back: those that have not yet changed what older tokens became. */
export interface Back {
  /** How many tokens may come after the first `tokens`, such that all of them can be taken back. */
  spare(tokens: number): number
  /** How many of the newest tokens can be taken back after `tokens` of them. */
  most(tokens: number): number
  take(count: number): void
}

/** Coordinates of a stream: tokens and queries are turned into them before anything else. */
export interface Turning {
  /** Turns tokens, the first at place `first`. */
  block(block: KvBlock, first: number): KvBlock
  /** Turns query rows, `groups` a token, the first token at place `first`. */
  queries(queries: Matrix, first: number, groups: number): Matrix
}

/** The part that is particular to one stream. Nothing here checks its input, and only `refuses` and `joining` may refuse. */
export interface Inside extends Shape {
  readonly version: string
  readonly merging: AttentionStream['merging']
  /** Parameters that decide the stream, as its snapshots have them: streams merge where all of them are equal. */
  readonly identity: Readonly<Record<string, string>>
  bytes(): number
  /**
   * Takes rows of a block from `from` on, at least one, up to where the stream next compresses: a fixed place of the stream, whatever the call. Returns how many.
   */
  take(block: KvBlock, from: number): number
  /** Continues partials over all tokens taken; with `arrived`, row i does not see the last count − 1 − ⌊i / groups⌋ of them. */
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived): void
  /** The reason why the stream gives no error bars; undefined where `answer` fills the spread of partials that have one. Absent: it gives none. */
  errorBars?(): string | undefined
  /** Whether `answer` can continue partials that are not empty. */
  readonly continues?: boolean | undefined
  counters?(): Readonly<Record<string, number>>
  /** Throws where a checked block, or its queries, cannot be taken: a part refuses it, or memory is missing. */
  refuses?(block: KvBlock, queries?: Matrix): void
  /** Reads a later stream of the same kind and identity, throws where it cannot be joined, and returns the function that joins it behind `tokens` tokens. */
  joining?(later: Snapshot, tokens: number): () => void
  /** Whether `joining` turns the tokens that it joins to their places. Without it, streams of a shape with `rotary` do not merge. */
  readonly turnsJoined?: boolean | undefined
  /**
   * Takes blocks and queries into other coordinates, in which all that the inside holds is, before anything of a call is done; throws where they are out of
   * range there. Absent: they turn by their places, where the shape has `rotary`.
   */
  readonly turning?: Turning | undefined
  /** Absent: tokens cannot be taken back. */
  readonly back?: Back | undefined
  saved(): Saved
  /** Gives what `saved` does, without what `begin` copies from `from.live`. Absent: `begin` copies nothing from there. */
  savedBeside?(): Saved
  dispose(): void
}

/** The whole state of a stream. Its arrays may be the stream's own, and are copied before anything else happens. */
export interface Saved {
  readonly parameters?: Readonly<Record<string, string>> | undefined
  readonly tensors: Readonly<Record<string, Tensor | HeldTensor>>
}

/** How streams of one kind are made: everything that is particular to that kind. */
export interface Making<I extends Inside = Inside, M extends object = object> {
  readonly kind: string
  /**
   * Makes the inside of a stream: empty, or from a state, which is a snapshot (checked here) or the state of a stream that is forked. It may set
   * `alive.tokens`, which is 0.
   */
  begin(alive: Life, from?: State): I
  /** Members of the stream beside those of the contract. `now()` gives the current inside, which is another after a reset. */
  members?(now: () => I, alive: Life, stream: LiveStream): Partial<M>
  /** Members that are properties, and are read anew each time. Absent: none. */
  readings?(now: () => I): { readonly [Name in keyof M]?: (() => M[Name]) | undefined }
  /** Streams within this one, by the names under which they are saved; they are forked and disposed of with it. */
  parts?(inside: I): Readonly<Record<string, AttentionStream>>
  /** The same making around copies of the parts. Present where `parts` is. */
  around?(parts: Readonly<Record<string, AttentionStream>>): Making<I, M>
  /** Resets parts that the stream was given. Absent: `begin` makes the parts anew, and the old ones are disposed of. */
  resetParts?(): void
}

export type LiveStream = AttentionStream &
  Disposable & { readonly check: Checks; readonly spare: number; takeBack(count: number): void }
