/**
 * `node evidence/board/ask.ts [name q.npy k.npy v.npy …]`: every method of the catalogue in the same bytes, on every
 * head of the committed sample of both models, or of the captures given. Streaming and causal, as `sublinear compare` runs it.
 */
import { catalogue } from '@sublinear/attention'
import { compare, type BoardHeadResult } from '@sublinear/board'
import type { Method } from '@sublinear/core'
import { capturesOf, type Head } from '../kit/captures.ts'
import { fullResultOf, main, type Experiment } from '../kit/experiment.ts'
import { plot, type Line } from '../kit/plot.ts'

const BUDGETS = ['1/4', '1/7', '1/16', '1/32']
const [PREFIX, QUERIES] = [3584, 512]
/** The others stand in the table alone: each has a sibling that the picture shows, or is far above them. */
const DRAWN = new Set([
  'quantised',
  'streamingLlm',
  'h2o',
  'lagKv',
  'clusters',
  'farClosure',
  'closure',
  'balanceKv',
  'auto',
])
/** The heads of the committed sample, which choices elsewhere were tuned on. */
const TUNED = new Set(['0.0', '0.1', '2.0', '2.1'])

/** Relative errors by head; null where the stream does not fit or has no result. */
export interface BoardRow {
  readonly stream: string
  readonly budget: string
  /** The most held on any head. */
  readonly bytes: number | null
  readonly errors: readonly (number | null)[]
}

export interface ModelBoard {
  readonly model: string
  readonly heads: readonly string[]
  readonly cacheBytes: number
  readonly budgetBytes: readonly number[]
  readonly uniform: readonly number[]
  /** Errors of a uniform sample of the same bytes, by budget and head. */
  readonly sample: readonly (readonly number[])[]
  readonly rows: readonly BoardRow[]
}

export interface BoardResult {
  readonly node: string
  readonly models: readonly ModelBoard[]
}

/** One model, its methods in the order of the catalogue, heads one after the other. */
export async function modelBoard(
  model: string,
  heads: readonly Head[],
  methods: readonly Method[] = catalogue,
  budgets: readonly string[] = BUDGETS,
): Promise<ModelBoard> {
  const found: BoardHeadResult[] = []
  for (const head of heads) {
    const board = await compare({ heads: [head], methods, budgets, prefix: PREFIX, queries: QUERIES })
    found.push(...board.heads)
  }
  const [first] = found
  return {
    model,
    heads: found.map(({ name }) => name),
    cacheBytes: first.cacheBytes.float32,
    budgetBytes: first.budgets.map(({ bytes }) => bytes),
    uniform: found.map(({ uniform }) => uniform.relative),
    sample: budgets.map((_, b) => found.map((head) => head.budgets[b].sample.relative)),
    rows: budgets.flatMap((budget, b) =>
      methods.map(({ name: stream }, s) => {
        const cells = found.map((head) => head.budgets[b].cells[s])
        const held = cells.flatMap(({ outcome, peakBytes }) => (outcome === 'within' ? [peakBytes!] : []))
        return {
          stream,
          budget,
          bytes: held.length > 0 ? Math.max(...held) : null,
          errors: cells.map(({ outcome, errors }) => (outcome === 'within' ? errors!.relative : null)),
        }
      }),
    ),
  }
}

export const equalBytes: Experiment<BoardResult> = {
  name: 'board',
  question: 'Which method is best in the same bytes, on real heads?',
  inALine: ({ models }) =>
    models
      .map((model) => {
        const bests = model.budgetBytes.map((_, b) => {
          const [least] = model.rows
            .flatMap((row) => {
              const error = meanError(row)
              return row.budget === BUDGETS[b] && error !== undefined ? [{ stream: row.stream, error }] : []
            })
            .toSorted((one, other) => one.error - other.error)
          return `${least.stream} at ${BUDGETS[b]} of the cache (error ${least.error.toFixed(3)})`
        })
        return `${model.model} heads: ${bests.join(', ')}`
      })
      .join('; '),
  asks: 'Which stream is best on real heads in the same bytes, with everything counted?',
  async run(args) {
    const models = []
    for (const { name, heads } of capturesOf(args)) models.push(await modelBoard(name, heads))
    return { node: process.version, models }
  },
  isAllApart: true,
  answer: (result) =>
    `These are the heads of the committed sample:\n\n${result.models.map(table).join('\n\n')}\n\n${legend(result)}`,
  all: (full) =>
    `These are all captured heads (“unseen” are those outside the sample, on which nothing was tuned):\n\n${full.models.map(table).join('\n\n')}\n\n${legend(full)}`,
  picture: (result) => picture(fullResultOf(equalBytes) ?? result),
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length
/** Undefined where any head has no result. */
const meanError = ({ errors }: BoardRow) => (errors.includes(null) ? undefined : mean(errors as readonly number[]))
const figure = (error: number | undefined) => error?.toFixed(3) ?? '–'

function streamsOf({ rows }: ModelBoard): string[] {
  return [...new Set(rows.map(({ stream }) => stream))]
}

function rowOf({ rows }: ModelBoard, stream: string, budget: string): BoardRow {
  return rows.find((row) => row.stream === stream && row.budget === budget)!
}

function table(board: ModelBoard): string {
  const { model, heads, rows, uniform, sample, budgetBytes } = board
  const budgets = [...new Set(rows.map(({ budget }) => budget))]
  const unseen = heads.flatMap((name, h) => (TUNED.has(name) ? [] : [h]))
  const narrow = unseen.length > 0 ? ['1/16'] : []
  const best = budgets.map((budget) =>
    Math.min(...streamsOf(board).map((stream) => meanError(rowOf(board, stream, budget)) ?? Infinity)),
  )
  const rowsOf = streamsOf(board).map((stream) =>
    line([
      stream,
      ...budgets.map((budget, b) => {
        const error = meanError(rowOf(board, stream, budget))
        return error === best[b] ? `**${figure(error)}**` : figure(error)
      }),
      ...narrow.map((budget) => {
        const { errors } = rowOf(board, stream, budget)
        return errors.includes(null) ? '–' : figure(mean(unseen.map((h) => errors[h]!)))
      }),
    ]),
  )
  const bestOfEach = budgets.map((budget) =>
    mean(
      heads.map((_, h) =>
        Math.min(...streamsOf(board).map((stream) => rowOf(board, stream, budget).errors[h] ?? Infinity)),
      ),
    ),
  )
  return [
    line([
      `${model}, ${heads.length} heads`,
      ...budgets.map((budget, b) => `${budget}, ${(budgetBytes[b] / 1000).toFixed(0)} kB`),
      ...narrow.map((budget) => `${budget}, unseen`),
    ]),
    line(['---', ...budgets.map(() => '---'), ...narrow.map(() => '---')]),
    ...rowsOf,
    line(['*the best of each head*', ...bestOfEach.map(figure), ...narrow.map(() => '–')]),
    line([
      'uniform sample',
      ...sample.map((errors) => figure(mean(errors))),
      ...narrow.map((budget) => figure(mean(unseen.map((h) => sample[budgets.indexOf(budget)][h])))),
    ]),
    line([
      'mean of V',
      ...budgets.map(() => figure(mean(uniform))),
      ...narrow.map(() => figure(mean(unseen.map((h) => uniform[h])))),
    ]),
  ].join('\n')
}

function legend({ node, models }: BoardResult): string {
  return (
    `Mean over the heads of ‖ô − o‖_F/‖o‖_F, the ${QUERIES} tokens after ${PREFIX} stepped with their queries; answering 0 is 1. Shares of the float32 cache of the ` +
    `${PREFIX} tokens (${(models[0].cacheBytes / 1000).toFixed(0)} kB a head; twice the share of a float16 cache), everything held counted. – does not fit. Node ${node}.`
  )
}

function picture({ models }: BoardResult): string {
  const panels = models.map((board) => {
    const { model, rows, budgetBytes, sample, uniform } = board
    const budgets = [...new Set(rows.map(({ budget }) => budget))]
    const lines: Line[] = streamsOf(board).flatMap((name) => {
      if (!DRAWN.has(name)) return []
      const points = budgets.flatMap((budget) => {
        const row = rowOf(board, name, budget)
        const error = meanError(row)
        return error === undefined ? [] : [[row.bytes!, error] as const]
      })
      const apart = points.filter(([bytes], i) => points.findIndex(([other]) => other === bytes) === i)
      return apart.length > 0 ? [{ name, points: apart }] : []
    })
    const ends = [budgetBytes.at(-1)!, budgetBytes[0]]
    return {
      title: model,
      x: { label: 'bytes held', log: true },
      y: { label: 'relative error', log: true },
      lines: [
        ...lines,
        {
          name: 'uniform sample',
          points: sample.map((errors, b) => [budgetBytes[b], mean(errors)] as const),
          dashed: true,
        },
        { name: 'mean of V', points: ends.map((bytes) => [bytes, mean(uniform)] as const), dashed: true },
      ],
    }
  })
  return plot('Error at equal bytes, mean over the heads', panels)
}

await main(import.meta.url, equalBytes)
