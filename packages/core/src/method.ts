import type { AttentionStream, Matrix, Shape, TierSpec } from './contracts'
import type { HeadFeature } from './head'

/** Traffic: the tokens and queries that will come to a stream. */
export interface Traffic {
  /** Number of tokens; Infinity where it is not known. */
  readonly tokens: number
  /** Query rows a token. Default 1. */
  readonly groups?: number | undefined
  /** Whether weights other than 1 may come. Default false. */
  readonly weighted?: boolean | undefined
  /** Whether a query may take milliseconds, because queries are few or come many at a time. Slow tiers are then worth trying. Default false. */
  readonly slow?: boolean | undefined
  /**
   * Whether all queries to come are like the pilot's. In a text that goes on, a rare query may ask for a single old token along directions along which the pilot's
   * queries do not. Default false.
   */
  readonly alike?: boolean | undefined
  /** Layer and number of the head in its model, from 0 on: for budgets that differ by layer, and for seeds. */
  readonly place?:
    | {
        readonly layer: number
        readonly layers: number
        readonly head: number
        readonly heads: number
      }
    | undefined
}

/** Rows of a head's own data: tokens like those to come, with queries like those to come. */
export interface Pilot {
  readonly queries: Matrix // groups·rows × d
  readonly keys: Matrix // rows × d
  readonly values: Matrix // rows × dv
}

/**
 * A way to hold the past of one head, under one name everywhere: snapshot kind, board row, CLI value, recipe, README row, law test. The record stands in the
 * file of its stream.
 */
export interface Method<Options = object> {
  readonly name: string
  /** The paper, or 'not from the papers'. */
  readonly source: string
  /** Inputs that it learns from, beside the tokens. Where that is not 'nothing', tokens come together with their queries, by `step`. */
  readonly learns: 'nothing' | 'queries' | 'pilot'
  /** Features that its streams compute beside plain softmax attention; `make` refuses other features by name. */
  readonly can: readonly HeadFeature[]
  /** Options for a user who gives no size. Default: the options of a budget. */
  readonly usual?: Options | undefined
  /** Whether one query takes milliseconds; `plan` then tries the method only where a user names it. Default: false. */
  readonly slow?: boolean | undefined
  make(shape: Shape, options: Options): AttentionStream & Disposable
  /** The most bytes that the stream of `make` holds after any call, exactly; Infinity where it grows and `tokens` is Infinity. */
  bytes(shape: Shape, options: Options, traffic: Traffic): number
  /** The options that use a budget best for this traffic; undefined where none fits. Their `bytes` never exceed the budget. */
  within(shape: Shape, budgetBytes: number, traffic: Traffic, pilot?: Pilot): Options | undefined
  /** Options for a stream that is shorter by `rate`, 0 < rate ≤ 1: counts shrink with it, sizes that do not grow stay. Default: the options as they are. */
  atRate?(shape: Shape, options: Options, rate: number): Options
  /** Whether a stream of these options learns from the queries that come with its tokens. Default: as `learns` says. */
  needsQueries?(options: Options): boolean
  /** Options that are worth trying on a pilot beside the options of `within`; each fits the budget. Default: none. */
  variants?(shape: Shape, budgetBytes: number, traffic: Traffic, pilot?: Pilot): readonly Options[]
  /** Options near the best found so far that are worth trying next, most promising first; each fits the budget. Default: none. */
  refine?(shape: Shape, best: Options, budgetBytes: number, traffic: Traffic, pilot?: Pilot): readonly Options[]
  /** The same options, with what they have from a pilot's queries, such as a metric, made from these queries instead. Default: the options as they are. */
  taught?(options: Options, queries: Matrix): Options
  /** Restores a stream from a snapshot of this kind; `open` restores snapshots that are nested in it. */
  open(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): AttentionStream & Disposable
}

/** A method whose streams can stand before others in tiers. */
export interface TierMethod<Options = object> extends Method<Options> {
  tier(options: Options): TierSpec
  /** The most bytes that its stream holds as a part of tiers behind a waiting buffer of `buffer` tokens, exactly. */
  tierBytes(shape: Shape, options: Options, traffic: Traffic, buffer: number): number
}

/**
 * The largest integer from `least` to `most` whose bytes fit a budget; undefined where none fits. `bytes` must not fall as the integer grows.
 *
 * Cost: O(log result) calls of `bytes`.
 *
 * @param least, most  the range, ends included; default 1 to 2^31
 */
export function largestWithin(
  bytes: (count: number) => number,
  budgetBytes: number,
  { least = 1, most = 2 ** 31 }: { readonly least?: number | undefined; readonly most?: number | undefined } = {},
): number | undefined {
  if (most < least || !(bytes(least) <= budgetBytes)) return undefined
  let low = least // invariant: `low` fits
  let step = 1
  while (low + step <= most && bytes(low + step) <= budgetBytes) {
    low += step
    step *= 2
  }
  for (; step >= 1; step /= 2) if (low + step <= most && bytes(low + step) <= budgetBytes) low += step
  return low
}
