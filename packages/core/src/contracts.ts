import type { Floats, Resident } from '@sublinear/kernels'
import type { Head } from './head'
import type { AskBars, Spread } from './spread'

/** Matrix of float32, row-major: entry (i, j) is data[i * cols + j]. */
export interface Matrix {
  readonly rows: number
  readonly cols: number
  readonly data: Float32Array
}

export interface SparseVector {
  readonly length: number
  readonly indices: Float64Array
  readonly values: Float64Array
}

/** Number that decides everything random. It is kept as 64 bits, is always required, and never comes from a clock. */
export type Seed = number | bigint

/** A random m × n matrix Ψ that is never stored. Two sketch matrices with equal kind, m, seed and options are the same matrix on every engine. */
export interface SketchMatrix {
  readonly kind: string
  readonly m: number
  /** Number of columns, where it is below 2^53 − 1: rows with an index from n on are refused. */
  readonly n?: number | undefined
  readonly seed: bigint
  /** Bytes of the description of Ψ (hash coefficients, tables). */
  readonly bytes: number
  /** A number c with E(⟨Ψu, Ψv⟩ − ⟨u, v⟩)² ≤ c·|u|²|v|² over the seed, for all u and v fixed before. Absent: nothing is known. */
  readonly innerVariance?: number | undefined
  /** Adds Ψ[:, first … first + block.rows) · block (block: b × w) to `into` (m × w). Column indices go up to 2^53 − 1. */
  accumulate(into: Matrix, block: Matrix, first: number): void
  /**
   * The same product into arrays in the kernels' own memory: unchecked, in the same bits. `sketch`, which has checked its input, keeps its state in such arrays
   * where this member exists.
   */
  readonly resident?:
    | {
        /** Adds Ψ[:, first … first + rows) · block (rows × width) to `into` (m × width). */
        accumulate(into: Resident<Float32Array>, block: Floats, rows: number, width: number, first: number): void
      }
    | undefined
}

/**
 * Ψ·A (m × width) for the rows of A seen so far. It is linear in A, so sketches merge by addition. Disposing of it gives its memory back at once;
 * without that, the memory is given back when the sketch is garbage.
 */
export interface Sketch extends Disposable {
  readonly matrix: SketchMatrix
  readonly width: number
  readonly precision: 'f32' | 'f64'
  /** One more than the highest row index seen. */
  readonly rows: number
  /** A copy of the state, m × width, with all waiting rows multiplied in. */
  readonly state: { readonly rows: number; readonly cols: number; readonly data: Float32Array | Float64Array }
  readonly bytes: number
  /** Adds rows of A from index `first` on. Default: the rows after the last ones. Shards and late parts say where they belong. */
  push(block: Matrix, first?: number): void
  /** Adds scale · row to row `index` of A: any row, any time, also as a correction. */
  update(index: number, row: Float32Array | number, scale?: number): void
  /** Adds the state of another sketch. Refuses another kind, m, seed, width or precision. */
  merge(other: Sketch): void
  toBytes(): Uint8Array
}

/** A feature map: exp(logScale[i])·⟨mapQueries(q)_i, mapKeys(k)⟩ ≈ exp(scale·⟨q_i, k⟩), with a certified error while |scale·⟨q, k − centre⟩| <= radius. */
export interface FeatureMap {
  readonly d: number
  readonly t: number
  /** Factor of the scores inside exp, always explicit: 1/√d in practice, 1/d in the first paper. */
  readonly scale: number
  readonly radius: number
  /** JSON of everything that decides the map, its kind first: two maps with equal specs are the same map. */
  readonly spec: string
  /**
   * Counts of leading features, largest first. So many first features are by themselves a map of the same kind and of a lower even degree, to which a stream
   * falls back where the whole map gives a negative or vanishing mass.
   */
  readonly fallbacks: readonly number[]
  /**
   * Share of the mass that scores of 0 would give: below it a mass counts as wrong, and the stream falls back. Default 2^−10. Where keys are centred at their
   * mean, the true share is at least 1 for every query (Jensen's inequality), so a centred map sets a higher bound.
   */
  readonly leastMass?: number | undefined
  /** Maps keys (b × d) to the rows of U₂ (b × t). */
  mapKeys(keys: Matrix, out: Matrix): void
  /** Maps queries (b × d) to the rows of U₁ (b × t); logScale carries scale·⟨q, centre⟩ and other factors of a row. */
  mapQueries(queries: Matrix, out: Matrix, logScale: Float32Array): void
  /**
   * The same two maps between arrays in the kernels' own memory, feature by feature (t × rows), unchecked. Streams, which have checked their input, use them
   * where they exist.
   */
  readonly resident?:
    | {
        mapKeys(keys: Floats, rows: number, out: Resident<Float32Array>): void
        mapQueries(queries: Float32Array, rows: number, out: Resident<Float32Array>, logScale: Float32Array): void
      }
    | undefined
}

/** Φ with its decoder: measures vectors in few numbers and finds their large entries again. */
export interface SparseRecovery {
  readonly n: number
  readonly k: number
  readonly m: number
  readonly matrix: SketchMatrix
  /** Decodes a measured column to at most k entries. */
  decode(measured: Float32Array | Float64Array): SparseVector
  /** Decodes a measured column to O(k) entries, with the stronger guarantee. */
  decodeWide(measured: Float32Array | Float64Array): SparseVector
}

/**
 * Tokens in stream order. A token of weight w counts w times: log w is added to its score, so that numerator and denominator agree. Where `values` of the
 * shape is 'in keys', the values have 0 columns.
 */
export interface KvBlock {
  readonly keys: Matrix
  readonly values: Matrix
  readonly weights?: Float32Array | undefined
}

/**
 * Softmax attention before the division: row i stands for sum[i]·e^{max[i]} over mass[i]·e^{max[i]}, mass >= 0. The empty partial is (−∞, 0, 0);
 * normalise turns it into a row of zeros.
 */
export interface PartialSoftmax {
  readonly max: Float32Array
  readonly mass: Float64Array
  readonly sum: Matrix
  /** Sums for error bars, where error bars were asked for. */
  readonly spread?: Spread | undefined
}

export interface AttentionStream {
  readonly d: number
  readonly dv: number
  readonly scale: number
  /** Features of the head that the stream computes beside plain softmax attention. Absent: none. */
  readonly head?: Head | undefined
  /** Tokens pushed so far. */
  readonly tokens: number
  /** Bytes held now: everything that a snapshot must carry, so never fewer than the bytes of its tensors. */
  readonly bytes: number
  /**
   * First halves of the mutating calls: each throws what its call would throw, and changes nothing. Whoever makes one call to several streams asks all of them
   * first. Where it is absent, only the call itself can refuse.
   */
  readonly check?: Checks | undefined
  /**
   * Whether the stream gives error bars. true: `attend` and `step` give them beside their answers when asked. A text: the reason why not. Absent: it gives
   * none. Asking for error bars does not change a bit of the answers.
   */
  readonly errorBars?: true | string | undefined
  push(block: KvBlock): void
  /**
   * Answers queries over everything pushed; where places matter, the queries stand at the place of the last token. Pure: asking changes nothing. A stream may
   * continue the partial `into` in place and return it; else it returns a partial of its own and leaves `into` as it was. With `{ errorBars: true }`, or with an
   * `into` that has a spread, the returned partial has a spread, of which `errorBars` makes error bars.
   */
  attend(queries: Matrix, into?: PartialSoftmax | AskBars): PartialSoftmax
  /**
   * Pushes the block and answers its own queries, causally: the queries of row i see all earlier tokens and block rows <= i.
   * queries.rows = groups · block.rows (grouped-query attention); row i·groups + g belongs to token i.
   * Only in this call may a policy learn from queries.
   * A caller that has asked `check` for this call may give `into`, a partial of empty rows: the stream then need not check again, and may answer in `into` and
   * return it. Error bars are asked for as in `attend`.
   */
  step(block: KvBlock, queries: Matrix, into?: PartialSoftmax | AskBars): PartialSoftmax
  /**
   * Counts since the stream was made: query rows (`rows`) and the premises that were broken. They are no part of a snapshot. A stream that is made of streams
   * adds up their counts.
   */
  readonly counters?: Readonly<Record<string, number>> | undefined
  /** How summaries of two parts of one stream join: in any order, in stream order, or not at all. */
  readonly merging: 'linear' | 'ordered' | 'none'
  /**
   * Takes in a later part of the stream, as its snapshot has it; so a stream that wraps another merges as that one does. Refuses where merging is 'none' or
   * any parameter differs.
   */
  merge(later: Pick<AttentionStream, 'toBytes'>): void
  toBytes(): Uint8Array
  /**
   * A copy that goes on from here, bit for bit, and shares nothing that could be seen: whatever is done to one leaves the other as it is. The copy's counters
   * begin at 0. A stream of your own may implement it by restoring its own snapshot.
   */
  fork(): this
  /** Forgets everything: the stream is as it was when it was made. A disposed or broken stream stays so. */
  reset(): void
  /** How many tokens may come now such that all of them can be taken back, since none of them changes what older tokens became. Absent: 0. */
  readonly spare?: number | undefined
  /** Forgets the `count` newest tokens: the stream has the bits that it would have without them. @throws RangeError when they were not `spare` */
  takeBack?(count: number): void
}

/**
 * First halves of the mutating calls, which may refuse. With `isSound` the caller has checked shapes and entries already, and they are not looked at again.
 */
export interface Checks {
  push(block: KvBlock, isSound?: boolean): void
  step(block: KvBlock, queries: Matrix, isSound?: boolean): void
  merge(later: Pick<AttentionStream, 'toBytes'>): void
  /** Throws where `takeBack` would. Absent: tokens cannot be taken back, or nobody needs to know before the call. */
  takeBack?(count: number): void
}

/** Facts that a tier may be told about the queries that it observes. */
export interface Arrival {
  /** Query rows a token. */
  readonly groups: number
  /** The tokens that wait before the first tier; only that tier is given them. Query row i saw the first visible + ⌊i / groups⌋ of them. */
  readonly waiting?:
    | {
        readonly count: number
        readonly visible: number
        /** Adds to `out` (one number a token) the share that each of these tokens receives of the whole softmax of the query rows. */
        addShares(out: Float64Array, queries: Matrix, softmax: Pick<PartialSoftmax, 'max' | 'mass'>): void
      }
    | undefined
}

/** A stream that can hand on what it forgets. `TierSpec` is what a policy's factory returns: `window({ count: 256 })`. */
export interface Tier extends AttentionStream {
  /**
   * Takes tokens at once and returns those that leave, with their weights. The caller decides where calls end: `tiers` calls it at fixed places of the stream,
   * and so does a tier that is pushed to by itself. With `dropped` nobody reads what is returned, and the tier need not make it.
   */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Takes in the tokens that a tier of a later part of the stream holds; returns those that leave. Present where merging is 'ordered'. */
  absorb?(later: Pick<AttentionStream, 'toBytes'>): KvBlock | undefined
  /**
   * Continues a partial in place; a row's bits are the same however many query rows there are. Where it is absent, callers with fewer than five rows ask five.
   */
  attendInOrder?(queries: Matrix, into: PartialSoftmax): void
  /** Shows a policy that keeps scores the queries and their combined softmax over all tiers. */
  observe?(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /**
   * End of the admitted tokens that the tier holds, where it holds exactly the first or exactly the newest of them, in order; tiers with positions need to know.
   */
  readonly end?: 'first' | 'newest' | undefined
}

/** A head, complete: widths of keys and values, the factor inside exp, and the features that `Head` lists. */
export interface Shape extends Head {
  /** Width of queries and keys, ≥ 1. */
  readonly d: number
  /** Width of values, ≥ 1. */
  readonly dv: number
  /** Factor of the scores inside exp: 1/√d in most models. */
  readonly scale: number
}

export type TierSpec = (shape: Shape) => Tier
export type StreamSpec = (shape: Shape) => AttentionStream
