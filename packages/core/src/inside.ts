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

/** How a stream takes back tokens that have not yet changed what older ones became. */
export interface Back {
  /** After so many tokens, those that may come now so that all of them can be taken back. */
  spare(tokens: number): number
  /** After so many tokens, how many of the newest can be taken back. */
  most(tokens: number): number
  take(count: number): void
}

/** The part that is particular to one stream. Nothing in it checks what it is given, and only `refuses` and `joining` may refuse. */
export interface Inside extends Shape {
  readonly version: string
  readonly merging: AttentionStream['merging']
  /** Parameters that decide the stream, in its snapshots: where all are equal, streams merge. */
  readonly identity: Readonly<Record<string, string>>
  bytes(): number
  /** Takes as many rows from `from` on as come before the stream next compresses, at least one: a fixed place of the stream, not of the call. */
  take(block: KvBlock, from: number): number
  /** Continues partials over everything taken; with `arrived`, row i sees all tokens but the last count − 1 − ⌊i / groups⌋. */
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived): void
  /** Why it gives no error bars; undefined where `answer` fills the spread of partials that have one. Absent: it gives none. */
  errorBars?(): string | undefined
  /** Whether `answer` continues partials that are not empty. */
  readonly continues?: boolean | undefined
  counters?(): Readonly<Record<string, number>>
  /** Throws where a checked block, or its queries, cannot be taken: parts that refuse, memory that is not there. */
  refuses?(block: KvBlock, queries?: Matrix): void
  /** Reads a later stream of the same kind and identity, throws where it cannot be joined, and returns what joins it behind so many tokens. */
  joining?(later: Snapshot, tokens: number): () => void
  /** Whether `joining` turns what it joins to its place. Without it streams of a shape with `rotary` do not merge. */
  readonly turnsJoined?: boolean | undefined
  /** Absent where tokens cannot be taken back. */
  readonly back?: Back | undefined
  saved(): Saved
  dispose(): void
}

/** A state, all of it: arrays may be the stream's own, and are copied before anything else happens. */
export interface Saved {
  readonly parameters?: Readonly<Record<string, string>> | undefined
  readonly tensors: Readonly<Record<string, Tensor | HeldTensor>>
}

/** How the streams of a kind are made: everything that is particular to them. */
export interface Making<I extends Inside = Inside, M extends object = object> {
  readonly kind: string
  /**
   * The inside of a stream, as it is at first or as a state has it: a snapshot, which is checked, or the state of a stream that is forked. It may set
   * `alive.tokens`, which is 0.
   */
  begin(alive: Life, from?: State): I
  /** Members that the stream has beside the contract; `now()` is another inside after a reset. Getters stay getters. */
  members?(now: () => I, alive: Life, stream: LiveStream): M
  /** Streams within this one: saved by these names, forked and disposed of with it. */
  parts?(inside: I): Readonly<Record<string, AttentionStream>>
  /** The same making around copies of them. There where `parts` is. */
  around?(parts: Readonly<Record<string, AttentionStream>>): Making<I, M>
  /** Resets parts that the stream was given; without it parts are made anew by `begin`, and the old ones disposed of. */
  resetParts?(): void
}

export type LiveStream = AttentionStream &
  Disposable & { readonly check: Checks; readonly spare: number; takeBack(count: number): void }
