import {
  checkHead,
  checkInteger,
  checkKeys,
  checkObject,
  checkScale,
  checkValues,
  headOf,
  rowsOf,
  type Head,
  type HeadFeature,
  type Method,
  type Pilot,
} from '@sublinear/core'
import type { Board, BoardBudget, BoardHead, BoardHeadResult } from './board'
import { isMethod } from './board-method'
import { budgetBytes } from './budget-bytes'
import { copied, runCell } from './run-cell'
import { sampleErrors } from './sample-errors'
import { truthOf, type Part } from './truth'

export interface CompareOptions {
  /** Queries, keys and values of each head. */
  readonly heads: readonly BoardHead[]
  /** Methods, a row each, under their names: any of the catalogue, and `boardMethod` of a stream of your own. */
  readonly methods: readonly Method[]
  /** Budgets: shares of the float32 cache of the prefix, such as '1/16', or numbers of bytes. */
  readonly budgets: readonly (string | number)[]
  /** Number of tokens taken in before any answer counts. */
  readonly prefix: number
  /** Number of tokens after the prefix; they come with their queries, which are judged. Default: all that are left. */
  readonly queries?: number | undefined
  /** Number of tokens a call. Default 64. */
  readonly block?: number | undefined
  /** Seed of the uniform samples. Default 0. */
  readonly seed?: number | undefined
  /** Number of rows of the prefix, from the first on, that methods may look at beforehand; 0: none. Default 512. */
  readonly pilot?: number | undefined
  /** A clock in milliseconds. Absent: no times are reported. */
  readonly now?: (() => number) | undefined
  /** Called after every cell, and awaited: the place to draw, or to let an interrupt arrive. */
  readonly onProgress?: ((progress: BoardProgress) => void | Promise<void>) | undefined
  /** Called after every call of a stream, outside the times, and awaited: so an interrupt can arrive within a long cell, too. */
  readonly onCall?: (() => void | Promise<void>) | undefined
  /** Cancels the run between two cells; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Whether streams that give error bars are asked for them: their cells then have `bars`, and times with bars. Default: false. */
  readonly errorBars?: boolean | undefined
  /** Text in the board that says how to make it again. Default: this call. */
  readonly reproduce?: string | undefined
}

export interface BoardProgress {
  readonly done: number
  readonly total: number
  readonly head: string
  readonly budget: string
  readonly stream: string
}

/** Number of samples that are averaged for the uniform reference. */
const SAMPLES = 4
const PILOT = 512
/** Features that a head of a board may have. */
const FEATURES: readonly HeadFeature[] = ['softcap', 'sinkLogit']

/**
 * Compares methods at equal bytes, on a board: every method in every budget on every head, streaming and causal, against exact attention. The prefix is
 * pushed (or stepped, for methods that learn); then the tokens after it are stepped, and their answers judged.
 * Source: not from the papers. The units are those of the papers (BalanceKV: ε‖softmax‖₂‖V‖_F), and the relative error.
 *
 * Soft caps and sinks of a head are part of the truth and of the shape that methods are given. A method that cannot compute them is not run, and its cell says so.
 *
 * Guarantee: every byte held counts. Bytes are read after every call, and compared with the tensors of the snapshot at the end.
 * Cost: one run for each cell and one exact run for each head; in memory, one head, its exact cache and one stream.
 *
 * @param heads  queries, keys and values of one head each; methods  methods with different names; budgets  '1/16' or bytes
 * @returns plain JSON that depends on the options alone, times apart
 * @throws TypeError, RangeError when heads, methods, budgets or sizes are wrong; the signal's reason when aborted. A stream that throws, or
 *   holds more than its budget after any call, is reported in its cell, and the others go on.
 */
export async function compare(options: CompareOptions): Promise<Board> {
  checkObject('compare', options)
  const { heads, methods, budgets, prefix, block = 64, seed = 0, pilot = PILOT, now, onProgress, signal } = options
  const bars = options.errorBars === true
  check(options)
  const queries = options.queries ?? heads[0].keys.rows - prefix
  const streams = methods.map(({ name }) => name)
  const total = heads.length * budgets.length * methods.length
  const results: BoardHeadResult[] = []
  let done = 0
  const rest = async () => {
    await options.onCall?.()
    signal?.throwIfAborted()
  }
  for (const head of heads) {
    const part = partOf(head, prefix, queries)
    const { shape, keys, values } = part
    const truth = truthOf(part, block)
    await rest()
    const float32 = 4 * prefix * (shape.d + shape.dv)
    const boards: BoardBudget[] = []
    for (const budget of budgets) {
      signal?.throwIfAborted()
      const bytes = budgetBytes(budget, float32)
      const cells = []
      for (const method of methods) {
        cells.push(await runCell({ method, pilot: pilotOf(part, pilot), bytes, part, block, truth, now, bars, rest }))
        signal?.throwIfAborted() // a cell that an interrupt ended would look like a failure of its stream
        await onProgress?.({ done: ++done, total, head: head.name, budget: String(budget), stream: method.name })
      }
      const sample = await sampleErrors({ part, truth, bytes, seed, samples: SAMPLES, rest })
      boards.push({ name: String(budget), bytes, sample, cells })
    }
    results.push({
      name: head.name,
      ...shape,
      tokens: keys.rows,
      cacheBytes: { float32, float16: float32 / 2 },
      zero: truth.errors(new Float32Array(truth.exact.data.length)),
      uniform: truth.errors(truth.uniform(values)),
      budgets: boards,
    })
  }
  const call = {
    ...(bars && { errorBars: bars }),
    budgets,
    prefix,
    queries,
    block,
    seed,
    pilot,
    methods: streams,
    heads: heads.map(({ name }) => name),
  }
  const { reproduce = `compare(${JSON.stringify(call)})` } = options
  return { version: 1, reproduce, prefix, queries, block, seed, streams, heads: results }
}

function check({
  heads,
  methods,
  budgets,
  prefix,
  queries,
  block = 64,
  seed = 0,
  pilot = PILOT,
}: CompareOptions): void {
  const who = 'compare'
  for (const [name, list] of [
    ['heads', heads],
    ['methods', methods],
    ['budgets', budgets],
  ] as const) {
    if (!Array.isArray(list) || list.length === 0) throw new TypeError(`${who}: ${name} must be a list of at least one`)
  }
  if (!methods.every(isMethod)) throw new TypeError(`${who}: methods must be methods, see boardMethod for a function`)
  const twice = methods.find(({ name }, i) => methods.findIndex((other) => other.name === name) < i)
  if (twice) throw new RangeError(`${who}: methods must have different names, got two called ${twice.name}`)
  checkInteger(who, 'prefix', prefix, 1)
  checkInteger(who, 'block', block, 1)
  checkInteger(who, 'seed', seed, 0)
  checkInteger(who, 'pilot', pilot, 0)
  if (queries !== undefined) checkInteger(who, 'queries', queries, 1)
  for (const { name, queries: asked, keys, values, scale, ...more } of heads) {
    const whose = `head ${name}`
    checkKeys(who, `keys of ${whose}`, keys)
    checkInteger(who, `columns of the keys of ${whose}`, keys.cols, 1)
    checkValues(who, `values of ${whose}`, values, undefined, keys.rows)
    checkInteger(who, `columns of the values of ${whose}`, values.cols, 1)
    checkKeys(who, `queries of ${whose}`, asked, keys.cols)
    if (scale !== undefined) checkScale(who, scale)
    checkHead(who, { d: keys.cols, dv: values.cols, scale: scale ?? 1, ...featuresOf(more) }, FEATURES)
    if (keys.rows < prefix + (queries ?? 1) || (queries === undefined && keys.rows !== heads[0].keys.rows))
      throw new RangeError(
        `${who}: ${whose} must have ${queries === undefined ? `as many tokens as the first, more than ${prefix}` : `at least ${prefix + queries} tokens`}, got ${keys.rows}`,
      )
    if (asked.rows === 0 || asked.rows % keys.rows !== 0)
      throw new RangeError(
        `${who}: queries of ${whose} must have a whole number of rows for each of the ${keys.rows} tokens, got ${asked.rows}`,
      )
    const [sinks, groups] = [more.sinkLogit, asked.rows / keys.rows]
    if (Array.isArray(sinks) && sinks.length !== groups)
      throw new RangeError(
        `${who}: sinkLogit of ${whose} must be a number, or one for each of the ${groups} queries of a token, got ${sinks.length}`,
      )
  }
  const least = Math.min(...heads.map(({ keys, values }) => 4 * prefix * (keys.cols + values.cols)))
  for (const budget of budgets) budgetBytes(budget, least)
}

/** The part of a head that the board runs over. */
function partOf({ queries, keys, values, scale, ...more }: BoardHead, prefix: number, asked: number): Part {
  const tokens = prefix + asked
  const groups = queries.rows / keys.rows
  return {
    shape: { d: keys.cols, dv: values.cols, scale: scale ?? 1 / Math.sqrt(keys.cols), ...featuresOf(more) },
    groups,
    prefix,
    queries: rowsOf(queries, 0, tokens * groups),
    keys: rowsOf(keys, 0, tokens),
    values: rowsOf(values, 0, tokens),
  }
}

const featuresOf = ({ softcap, sinkLogit }: Pick<Head, 'softcap' | 'sinkLogit'>) =>
  headOf({ softcap, sinkLogit }) as Pick<Head, 'softcap' | 'sinkLogit'>

/** The first rows of the prefix, copied: whatever a method does to them does not reach the others. */
function pilotOf({ queries, keys, values, prefix, groups }: Part, most: number): Pilot | undefined {
  const rows = Math.min(most, prefix)
  if (rows === 0) return undefined
  return { queries: copied(queries, 0, rows * groups), keys: copied(keys, 0, rows), values: copied(values, 0, rows) }
}
