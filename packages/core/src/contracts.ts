import type { Floats, Resident } from '@sublinear/kernels'
import type { Head } from './head'
import type { AskBars, Spread } from './spread'

/** Row-major float32: entry (i, j) is data[i * cols + j]. */
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

/** Kept as 64 bits; always required, never from a clock. */
export type Seed = number | bigint

/** A random m × n matrix Ψ, never stored. Two with equal (kind, m, seed, options) are the same matrix on every engine. */
export interface SketchMatrix {
  readonly kind: string
  readonly m: number
  /** How many columns there are, where fewer than 2^53 − 1: rows from index n on are refused. */
  readonly n?: number | undefined
  readonly seed: bigint
  /** Bytes of the description of Ψ (hash coefficients, tables). */
  readonly bytes: number
  /** A number c with E(⟨Ψu, Ψv⟩ − ⟨u, v⟩)² ≤ c·|u|²|v|² over the seed, for all u and v fixed before. Absent: nothing is known. */
  readonly innerVariance?: number | undefined
  /** into (m × w) += Ψ[:, first … first + block.rows) · block (b × w); columns are addressed up to 2^53 − 1. */
  accumulate(into: Matrix, block: Matrix, first: number): void
  /**
   * The same product into the kernels' own arrays, unchecked and in the same bits: what `sketch`, which has checked, keeps its
   * state for where it exists.
   */
  readonly resident?:
    | {
        /** into (m × width) += Ψ[:, first … first + rows) · block (rows × width). */
        accumulate(into: Resident<Float32Array>, block: Floats, rows: number, width: number, first: number): void
      }
    | undefined
}

/**
 * Ψ·A (m × width) for the rows of A seen so far; linear, so it merges by addition. Disposing it gives its memory back at once;
 * without that the memory is released when the sketch is garbage.
 */
export interface Sketch extends Disposable {
  readonly matrix: SketchMatrix
  readonly width: number
  readonly precision: 'f32' | 'f64'
  /** One past the highest row index seen. */
  readonly rows: number
  /** m × width, everything flushed; a copy. */
  readonly state: { readonly rows: number; readonly cols: number; readonly data: Float32Array | Float64Array }
  readonly bytes: number
  /** Rows first … of A (default: the next ones): shards and late parts say where they belong. */
  push(block: Matrix, first?: number): void
  /** Adds scale · row to row `index` of A: any row, any time, also as a correction. */
  update(index: number, row: Float32Array | number, scale?: number): void
  /** Refuses another kind, m, seed, width or precision. */
  merge(other: Sketch): void
  toBytes(): Uint8Array
}

/** exp(logScale[i])·⟨mapQueries(q)_i, mapKeys(k)⟩ ≈ exp(scale·⟨q_i, k⟩); certified while |scale·⟨q, k − centre⟩| <= radius. */
export interface FeatureMap {
  readonly d: number
  readonly t: number
  /** 1/√d in practice, 1/d in the first paper: always explicit. */
  readonly scale: number
  readonly radius: number
  /** JSON of everything that decides the map, its kind first: two with equal specs are the same map. */
  readonly spec: string
  /**
   * Leading features that by themselves are a map of the same kind and lower even degree, largest first: what a stream falls
   * back to where the whole map gives a negative or vanishing mass.
   */
  readonly fallbacks: readonly number[]
  /**
   * Below this share of the mass that all scores 0 would give, a mass is taken for wrong and falls back. Default 2^−10. Keys centred
   * at their mean have at least 1 for every query (Jensen), so a map that is centred asks for more.
   */
  readonly leastMass?: number | undefined
  /** b × d → b × t, rows of U₂. */
  mapKeys(keys: Matrix, out: Matrix): void
  /** b × d → b × t, rows of U₁; logScale carries scale·⟨q, centre⟩ and the like. */
  mapQueries(queries: Matrix, out: Matrix, logScale: Float32Array): void
  /**
   * The same two maps between the kernels' own arrays, feature by feature (t × rows) and unchecked: what streams, which have
   * checked, use where it exists.
   */
  readonly resident?:
    | {
        mapKeys(keys: Floats, rows: number, out: Resident<Float32Array>): void
        mapQueries(queries: Float32Array, rows: number, out: Resident<Float32Array>, logScale: Float32Array): void
      }
    | undefined
}

/** Φ with its decoder. */
export interface SparseRecovery {
  readonly n: number
  readonly k: number
  readonly m: number
  readonly matrix: SketchMatrix
  /** Decodes to at most k entries. */
  decode(measured: Float32Array | Float64Array): SparseVector
  /** Decodes to O(k) entries: the stronger guarantee. */
  decodeWide(measured: Float32Array | Float64Array): SparseVector
}

/**
 * Tokens in stream order. Weight w counts a token w times: log w is added to its logit, so numerator and denominator agree. Where a shape's values
 * are 'in keys', values have 0 columns.
 */
export interface KvBlock {
  readonly keys: Matrix
  readonly values: Matrix
  readonly weights?: Float32Array | undefined
}

/**
 * Row i stands for sum[i]·e^{max[i]} over mass[i]·e^{max[i]}; mass >= 0. The empty partial is (−∞, 0, 0); normalise gives it a
 * zero row.
 */
export interface PartialSoftmax {
  readonly max: Float32Array
  readonly mass: Float64Array
  readonly sum: Matrix
  /** Where error bars were asked for. */
  readonly spread?: Spread | undefined
}

export interface AttentionStream {
  readonly d: number
  readonly dv: number
  readonly scale: number
  /** The features that the stream computes beside plain softmax attention. Absent: none. */
  readonly head?: Head | undefined
  /** Tokens pushed so far. */
  readonly tokens: number
  /** Bytes held now: everything that a snapshot must carry; never below its tensors' bytes. */
  readonly bytes: number
  /**
   * The first half of a mutating call: asks everything that may refuse it, throws what the call would throw, and changes nothing. Whoever
   * makes one call to several streams asks all of them first. A stream without it is asked by the call alone.
   */
  readonly check?: Checks | undefined
  /**
   * true: `attend` and `step` give error bars beside their answers where they are asked to, and say of what. A text: why not. Absent: they do not. Without being
   * asked for them answers are the same, bit for bit.
   */
  readonly errorBars?: true | string | undefined
  push(block: KvBlock): void
  /**
   * Over everything pushed; where places matter, from that of the last token. Pure: asking changes nothing. A stream may continue the partial `into` in place and return it; else it returns one
   * of its own, and `into` is as it was. With `{ errorBars: true }`, or an `into` that has a spread, the partial has a spread, of which `errorBars` makes error bars.
   */
  attend(queries: Matrix, into?: PartialSoftmax | AskBars): PartialSoftmax
  /**
   * Causal: pushes the block and answers its own queries, row i seeing all earlier tokens and block rows <= i.
   * queries.rows = groups · block.rows (grouped-query attention); row i·groups + g belongs to token i.
   * The only place where a policy may learn from queries.
   * Whoever has asked `check` for this call may give `into`, empty rows: the stream need not ask again, and may answer in them and return them. Error bars as attend has them.
   */
  step(block: KvBlock, queries: Matrix, into?: PartialSoftmax | AskBars): PartialSoftmax
  /**
   * Counts since the stream was made, query rows (`rows`) among it and the premises that were broken; no part of a snapshot.
   * Streams of streams add their parts' up.
   */
  readonly counters?: Readonly<Record<string, number>> | undefined
  /** How summaries of two parts of one stream join: any order, in stream order, or not at all. */
  readonly merging: 'linear' | 'ordered' | 'none'
  /**
   * Takes in a later part of the stream, as its snapshot has it, so that whatever wraps a stream merges as it does. Refuses where merging is
   * 'none' or anything differs.
   */
  merge(later: Pick<AttentionStream, 'toBytes'>): void
  toBytes(): Uint8Array
  /**
   * A stream that goes on from here, bit for bit, and shares nothing that could be seen: whatever is done to one leaves the other as it is. Its
   * counters begin at 0. A stream of your own may restore its own snapshot.
   */
  fork(): this
  /** Forgets everything: the stream is as it was made. What was disposed or is broken stays so. */
  reset(): void
  /** Tokens that may come now and be taken back: none of them will have changed what older ones became. Absent: 0. */
  readonly spare?: number | undefined
  /** Forgets so many of the newest tokens, in the bits as if they had not come. @throws RangeError when they were not `spare` */
  takeBack?(count: number): void
}

/** The refusing halves of the mutating calls. With `isSound` the caller has checked shapes and entries already, and they need not be looked at again. */
export interface Checks {
  push(block: KvBlock, isSound?: boolean): void
  step(block: KvBlock, queries: Matrix, isSound?: boolean): void
  merge(later: Pick<AttentionStream, 'toBytes'>): void
  /** Absent where nothing can be taken back, or nobody needs to know before. */
  takeBack?(count: number): void
}

/** Facts that a tier may know about the queries that it observes. */
export interface Arrival {
  /** Query rows a token. */
  readonly groups: number
  /** The tokens that wait before the first tier, given to that tier alone: query row i saw the first visible + ⌊i / groups⌋ of them. */
  readonly waiting?:
    | {
        readonly count: number
        readonly visible: number
        /** Adds to out (one number a token) what these tokens receive of the whole softmax of the query rows. */
        addShares(out: Float64Array, queries: Matrix, softmax: Pick<PartialSoftmax, 'max' | 'mass'>): void
      }
    | undefined
}

/** A stream that can hand on what it forgets. `TierSpec` is what a policy's factory returns: `window({ count: 256 })`. */
export interface Tier extends AttentionStream {
  /**
   * Takes tokens at once and returns those that leave, weights kept. Where calls end is the caller's business: `tiers` calls it at fixed places
   * of the stream, and so does a tier that is pushed to by itself. With `dropped` nobody reads what is returned, and it need not be made.
   */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Takes in the tokens that a tier of a later part of the stream holds; returns what leaves. There where merging is 'ordered'. */
  absorb?(later: Pick<AttentionStream, 'toBytes'>): KvBlock | undefined
  /** Continues a partial in place, in the same bits however many query rows there are; where it is missing, callers that have fewer than five rows ask five. */
  attendInOrder?(queries: Matrix, into: PartialSoftmax): void
  /** The combined softmax of all tiers, for score-keeping policies. */
  observe?(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /** End of the admitted tokens that it holds, where it holds just those, in order; with positions, tiers need to know. */
  readonly end?: 'first' | 'newest' | undefined
}

/** A head, whole: widths of keys and values, the factor inside exp, and what else is done (see `Head`). */
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
