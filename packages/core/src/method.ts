import type { AttentionStream, Matrix, Shape, TierSpec } from './contracts'
import type { HeadFeature } from './head'

/** Traffic: the tokens and queries that will come to a stream. */
export interface Traffic {
  /** Tokens; Infinity where their number is not known. */
  readonly tokens: number
  /** Query rows a token. Default 1. */
  readonly groups?: number | undefined
  /** Whether weights other than 1 may come. Default false. */
  readonly weighted?: boolean | undefined
  /** Whether a query may take milliseconds, since queries are few or come many at a time: then tiers that are slow are worth trying too. Default false. */
  readonly slow?: boolean | undefined
  /** Where the head stands in its model, from 0 on: for budgets that differ by layer, and for seeds. */
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
 * A way to hold the past of one head, under one name everywhere: snapshot kind, board row, CLI value, recipe's word, README row, law test.
 * Its record stands in the stream's own file.
 */
export interface Method<Options = object> {
  readonly name: string
  /** The paper, or 'not from the papers'. */
  readonly source: string
  /** Inputs that it learns from. Where that is not 'nothing', tokens come with their queries, by `step`. */
  readonly learns: 'nothing' | 'queries' | 'pilot'
  /** Features that its streams compute beside plain softmax attention; `make` refuses the rest by name. */
  readonly can: readonly HeadFeature[]
  /** Options where nobody says how large it is to be. Default: those of a budget. */
  readonly usual?: Options | undefined
  /** Whether one query takes milliseconds: `plan` then takes it only where it is named. Default: it does not. */
  readonly slow?: boolean | undefined
  make(shape: Shape, options: Options): AttentionStream & Disposable
  /** The most that make's stream holds after any call, exactly; Infinity where it grows and `tokens` is Infinity. */
  bytes(shape: Shape, options: Options, traffic: Traffic): number
  /** Options that use a budget best for what is to come; undefined where none fits. Their `bytes` are never above the budget. */
  within(shape: Shape, budgetBytes: number, traffic: Traffic, pilot?: Pilot): Options | undefined
  /** The same for a stream shorter by this rate, 0 < rate ≤ 1: counts shrink, what does not grow stays. Default: as they are. */
  atRate?(shape: Shape, options: Options, rate: number): Options
  /** Whether a stream of these options learns from the queries that tokens come with. Default: as `learns` says. */
  needsQueries?(options: Options): boolean
  /** Options that are worth trying on a pilot beside those of `within`; each fits the budget. Default: none. */
  variants?(shape: Shape, budgetBytes: number, traffic: Traffic, pilot?: Pilot): readonly Options[]
  /** Options near the best found so far that are worth trying next, the most promising first; each fits the budget. Default: none. */
  refine?(shape: Shape, best: Options, budgetBytes: number, traffic: Traffic): readonly Options[]
  /** The stream of a snapshot of this kind; `open` is for what is nested in it. */
  open(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): AttentionStream & Disposable
}

/** A method whose stream can stand before others in tiers. */
export interface TierMethod<Options = object> extends Method<Options> {
  tier(options: Options): TierSpec
  /** The most that it holds as a part of tiers behind a buffer of so many tokens, exactly. */
  tierBytes(shape: Shape, options: Options, traffic: Traffic, buffer: number): number
}

/**
 * The largest whole number from `least` to `most` whose bytes fit a budget, where bytes grow with it; undefined where none does.
 * Cost: the logarithm of the result calls of `bytes`.
 *
 * @param least, most  the range, ends included; default 1 to 2^31
 */
export function largestWithin(
  bytes: (count: number) => number,
  budgetBytes: number,
  { least = 1, most = 2 ** 31 }: { readonly least?: number | undefined; readonly most?: number | undefined } = {},
): number | undefined {
  if (most < least || !(bytes(least) <= budgetBytes)) return undefined
  let low = least // fits
  let step = 1
  while (low + step <= most && bytes(low + step) <= budgetBytes) {
    low += step
    step *= 2
  }
  for (; step >= 1; step /= 2) if (low + step <= most && bytes(low + step) <= budgetBytes) low += step
  return low
}
