import { catalogue, compare, plan, type Plan } from '@sublinear/attention'
import { boardMeans } from '@sublinear/board'
import { expose } from 'comlink'
import { counted, headIn, type DroppedFile, type FoundHead } from './head-files'
import { kindOf, type HeadKind } from './head-kind'
import { sampleHead, type Kind } from './sample-head'

const METHODS = ['quantised', 'auto', 'farClosure', 'clusters', 'h2o', 'snapKv', 'streamingLlm', 'balanceKv', 'closure']
const BUDGETS = ['1/4', '1/8', '1/16', '1/32']
/** Number of last rows of a head, whose answers are judged. */
const JUDGED = 256
/** Milliseconds after which the worker looks whether it is to stop. */
const TURN = 40

/** How far a piece of work has come, in the unit that it counts. */
export interface Progress {
  readonly what: 'bytes read' | 'cells' | '% of the search'
  readonly done: number
  readonly total: number
}
type Report = (progress: Progress) => void

export interface Rating {
  readonly stream: string
  readonly share: number
  readonly error: number
  /** 95 % interval of the error, where the judged queries are a sample of those to come. */
  readonly interval?: readonly [low: number, high: number] | undefined
}

export interface HeadReport extends HeadKind {
  readonly rows: number
  /** Rows of the file; more than `rows` where not all were taken. */
  readonly rowsThere: number
  readonly d: number
  readonly dv: number
  /** Places of the heads in the dropped files, and the one that this is. */
  readonly heads: readonly string[]
  readonly head: string
  readonly ratings: readonly Rating[]
  /** Error of a trivial answer: the mean of the values. */
  readonly meanError: number
}

/** A recipe of the adviser, and how it does on the tokens that the adviser did not see. */
export interface Recipe extends Pick<
  Plan,
  'd' | 'dv' | 'scale' | 'method' | 'options' | 'name' | 'bytes' | 'verdict' | 'advice'
> {
  readonly budgetBytes: number
  readonly pilotError: number
  readonly tried: number
  readonly later: Pick<Rating, 'error' | 'interval'> | undefined
}

type Rows = Pick<FoundHead, 'queries' | 'keys' | 'values'> & { readonly name: string }

let head: Rows | undefined
let running: AbortController | undefined

/** Stops what runs; returns the signal of what comes. */
function started(): AbortSignal {
  running?.abort()
  running = new AbortController()
  return running.signal
}

/** Gives messages a turn, so that `stop` is heard. */
function turns(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < TURN) return
    await new Promise((done) => setTimeout(done))
    last = performance.now()
  }
}

const api = {
  /** A board of a head, of dropped files or a sample; `report` hears of bytes read and of each cell. */
  async board(from: readonly DroppedFile[] | Kind, place: string | undefined, report: Report): Promise<HeadReport> {
    const signal = started()
    const found = await headOf(from, place, report)
    const own = whole(found)
    head = own
    const { rows, cols: d } = own.keys
    const board = await compare({
      heads: [own],
      methods: METHODS.map((name) => catalogue.find((one) => one.name === name)!),
      budgets: BUDGETS,
      prefix: rows - JUDGED,
      signal,
      onCall: turns(),
      onProgress: ({ done, total }) => report({ what: 'cells', done, total }),
    })
    const means = boardMeans(board)
    return {
      rows,
      d,
      dv: own.values.cols,
      rowsThere: found.rowsThere,
      heads: found.heads,
      head: found.head,
      ...kindOf(own, JUDGED),
      meanError: means[0].uniform,
      ratings: means.flatMap(({ streams }, i) =>
        streams.flatMap(({ stream, error, interval }) =>
          error === undefined ? [] : [{ stream, share: 1 / 2 ** (i + 2), error, interval }],
        ),
      ),
    }
  },

  /** The adviser on all tokens of the last board's head but those that are judged, and its recipe on these. */
  async advise(share: number, report: Report): Promise<Recipe> {
    if (!head) throw new RangeError('there is no head yet')
    const signal = started()
    const { queries, keys, values } = head
    const prefix = keys.rows - JUDGED
    const [d, dv, scale] = [keys.cols, values.cols, 1 / Math.sqrt(keys.cols)]
    const budgetBytes = Math.floor(4 * prefix * (d + dv) * share)
    const made = await plan({
      methods: catalogue,
      tokens: prefix,
      d,
      dv,
      scale,
      budgetBytes,
      pilot: { queries: first(queries, prefix), keys: first(keys, prefix), values: first(values, prefix) },
      signal,
      onProgress: ({ round, rounds, done, candidates }) =>
        report({ what: '% of the search', done: Math.floor((100 * (round + done / candidates)) / rounds), total: 100 }),
    })
    const { method, options, name, bytes, verdict, advice, error } = made
    const chosen = catalogue.find((one) => one.name === method)!
    const board = await compare({
      heads: [head],
      methods: [{ ...chosen, within: () => options }],
      budgets: [budgetBytes],
      prefix,
      signal,
      onCall: turns(),
    })
    const [{ errors, interval }] = board.heads[0].budgets[0].cells
    return {
      d,
      dv,
      scale,
      method,
      options,
      name,
      bytes,
      verdict,
      advice,
      budgetBytes,
      pilotError: error.total,
      tried: made.considered.length,
      later: errors && { error: errors.relative, interval },
    }
  },

  /** Stops the board or the search that runs: its promise is rejected. */
  stop(): void {
    running?.abort()
  },
}
export type HeadsApi = typeof api

async function headOf(
  from: readonly DroppedFile[] | Kind,
  place: string | undefined,
  report: Report,
): Promise<FoundHead> {
  if (typeof from === 'string') {
    const sample = sampleHead(from)
    return { ...sample, rowsThere: sample.keys.rows, heads: [], head: '' }
  }
  let done = 0
  let told = 0
  const heard = (bytes: number) => {
    done += bytes
    if (done - told < 2 ** 22) return
    told = done
    report({
      what: 'bytes read',
      done,
      total: Math.max(
        done,
        from.reduce((sum, { size }) => sum + size, 0),
      ),
    })
  }
  return headIn(
    from.map((file) => counted(file, heard)),
    place,
  )
}

/** Rows that all three have. @throws RangeError when they are too few or do not fit */
function whole({ queries, keys, values }: FoundHead): Rows {
  const rows = Math.min(queries.rows, keys.rows, values.rows)
  if (rows < 2 * JUDGED) throw new RangeError(`a head must have at least ${2 * JUDGED} tokens, got ${rows}`)
  if (queries.cols !== keys.cols)
    throw new RangeError(`queries and keys must have equally many columns, got ${queries.cols} and ${keys.cols}`)
  return { name: 'head', queries: first(queries, rows), keys: first(keys, rows), values: first(values, rows) }
}

function first({ cols, data }: FoundHead['keys'], rows: number): FoundHead['keys'] {
  return { rows, cols, data: data.subarray(0, rows * cols) }
}

expose(api)
