import { catalogue, compare } from '@sublinear/attention'
import { boardMeans } from '@sublinear/board'
import { expose } from 'comlink'
import { headIn, type HeadRows } from './head-files'
import { sampleHead, type Kind } from './sample-head'

const METHODS = ['quantised', 'auto', 'farClosure', 'clusters', 'h2o', 'snapKv', 'streamingLlm', 'balanceKv', 'closure']
const BUDGETS = ['1/4', '1/8', '1/16', '1/32']
/** Number of last rows of a head, whose answers are judged. */
const JUDGED = 256

export interface Rating {
  readonly stream: string
  readonly share: number
  readonly error: number
}

export interface HeadReport {
  readonly rows: number
  readonly d: number
  readonly dv: number
  /** Largest score; and the median, over the judged queries, of the share that their largest token receives. */
  readonly largestScore: number
  readonly peak: number
  readonly ratings: readonly Rating[]
  /** Error of a trivial answer: the mean of the values. */
  readonly meanError: number
}

const api = {
  /** Makes the board of a head, from dropped files or a sample; `report` is called for each cell. */
  async board(from: readonly File[] | Kind, report: (done: number, total: number) => void): Promise<HeadReport> {
    const { queries, keys, values } = typeof from === 'string' ? sampleHead(from) : await headIn(from)
    const rows = Math.min(queries.rows, keys.rows, values.rows)
    if (rows < 2 * JUDGED) throw new RangeError(`a head must have at least ${2 * JUDGED} tokens, got ${rows}`)
    if (queries.cols !== keys.cols)
      throw new RangeError(`queries and keys must have equally many columns, got ${queries.cols} and ${keys.cols}`)
    const cut = <M extends HeadRows['keys']>(all: M) => ({
      rows,
      cols: all.cols,
      data: all.data.subarray(0, rows * all.cols),
    })
    const head = { name: 'head', queries: cut(queries), keys: cut(keys), values: cut(values) }
    const board = await compare({
      heads: [head],
      methods: METHODS.map((name) => catalogue.find((one) => one.name === name)!),
      budgets: BUDGETS,
      prefix: rows - JUDGED,
      onProgress: ({ done, total }) => report(done, total),
    })
    const means = boardMeans(board)
    return {
      rows,
      d: keys.cols,
      dv: values.cols,
      ...scoresOf(head),
      meanError: means[0].uniform,
      ratings: means.flatMap(({ streams }, i) =>
        streams.flatMap(({ stream, error }) =>
          error === undefined ? [] : [{ stream, share: 1 / 2 ** (i + 2), error }],
        ),
      ),
    }
  },
}
export type HeadsApi = typeof api

/** Finds the kind of a head from its last queries. */
function scoresOf({ queries, keys }: Pick<HeadRows, 'queries' | 'keys'>): Pick<HeadReport, 'largestScore' | 'peak'> {
  const scale = 1 / Math.sqrt(keys.cols)
  const peaks: number[] = []
  let largestScore = -Infinity
  for (let r = queries.rows - JUDGED; r < queries.rows; r += 4) {
    const scores = Float64Array.from({ length: r + 1 }, (_, k) => {
      let sum = 0
      for (let c = 0; c < keys.cols; c++) sum += queries.data[r * keys.cols + c] * keys.data[k * keys.cols + c]
      return scale * sum
    })
    const most = scores.reduce((a, b) => Math.max(a, b))
    largestScore = Math.max(largestScore, most)
    peaks.push(1 / scores.reduce((sum, score) => sum + Math.exp(score - most), 0))
  }
  return { largestScore, peak: peaks.toSorted((a, b) => a - b)[peaks.length >> 1] }
}

expose(api)
