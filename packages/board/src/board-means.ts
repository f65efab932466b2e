import { checkObject } from '@sublinear/core'
import type { Board, BoardBars, BoardBudget, BoardCell, BoardErrors } from './board'

/** Name of the error in BoardErrors that is averaged. */
export type BoardUnit = 'relative' | 'softmax' | 'value'

export interface BoardMean {
  readonly stream: string
  /** Outcome: the worst of the heads' outcomes. */
  readonly outcome: BoardCell['outcome']
  readonly why?: string | undefined
  /** Error: the mean over the heads; undefined where a head has no result. */
  readonly error?: number | undefined
  /** 95 % interval of the relative error's mean over these heads, where every head has one: heads are taken as they are, queries as a sample. */
  readonly interval?: readonly [low: number, high: number] | undefined
  readonly bytes?: number | undefined
  readonly time?: BoardCell['time'] | undefined
  /** Error bars, where every head has some: means over the heads; the coverage of those that have rows without a flag; and the least covered head. */
  readonly bars?: (BoardBars & { readonly worst?: number | undefined }) | undefined
}

export interface BoardMeans {
  readonly budget: string
  readonly bytes: number // bytes of the first head
  readonly zero: number
  readonly uniform: number
  readonly sample: number
  readonly streams: readonly BoardMean[]
}

const FROM_BEST = ['within', 'does not fit', 'cannot', 'over', 'failed'] as const

/**
 * Means of a board: for each budget the mean error over the heads, of each stream and of the three references.
 *
 * @param unit  unit of the errors; where each query has an error of its own, the mean over the queries. Default 'relative'
 */
export function boardMeans(board: Board, unit: BoardUnit = 'relative'): BoardMeans[] {
  checkObject('boardMeans', board, 'board')
  const { heads, streams } = board
  if (!Array.isArray(heads as unknown) || !Array.isArray(streams as unknown))
    throw new TypeError('boardMeans: board must have heads and streams')
  const of = (errors: BoardErrors) => (unit === 'relative' ? errors.relative : errors[unit].mean)
  return (heads[0]?.budgets ?? []).map(({ name, bytes }, b) => {
    const budgets = heads.map((head) => head.budgets[b])
    return {
      budget: name,
      bytes,
      zero: mean(heads.map(({ zero }) => of(zero))),
      uniform: mean(heads.map(({ uniform }) => of(uniform))),
      sample: mean(budgets.map(({ sample }) => of(sample))),
      streams: streams.map((stream, s) => meanOf(stream, cellsOf(budgets, s), of)),
    }
  })
}

function cellsOf(budgets: readonly BoardBudget[], index: number): BoardCell[] {
  return budgets.map(({ cells }) => cells[index])
}

function meanOf(stream: string, cells: readonly BoardCell[], of: (errors: BoardErrors) => number): BoardMean {
  const worst = cells.reduce((a, b) => (FROM_BEST.indexOf(b.outcome) > FROM_BEST.indexOf(a.outcome) ? b : a))
  const { outcome, why } = worst
  if (outcome !== 'within') return { stream, outcome, ...(why !== undefined && { why }) }
  const over = (what: (cell: BoardCell) => number) => mean(cells.map(what))
  return {
    stream,
    outcome,
    error: over(({ errors }) => of(errors!)),
    ...intervalOf(cells),
    bytes: over(({ bytes }) => bytes!),
    ...barsOf(cells),
    ...(cells.every(({ time }) => time) && {
      time: { push: over(({ time }) => time!.push), query: over(({ time }) => time!.query) },
    }),
  }
}

/** Independent heads: distances from the mean to either end add up as squares. */
function intervalOf(cells: readonly BoardCell[]): Pick<BoardMean, 'interval'> {
  const known = cells.flatMap(({ interval, errors }) =>
    interval && errors ? [{ interval, error: errors.relative }] : [],
  )
  if (known.length < cells.length) return {}
  const centre = mean(known.map(({ error }) => error))
  const reach = (side: 0 | 1) =>
    Math.hypot(...known.map(({ interval, error }) => interval[side] - error)) / known.length
  return { interval: [Math.max(0, centre - reach(0)), centre + reach(1)] }
}

function barsOf(cells: readonly BoardCell[]): Pick<BoardMean, 'bars'> {
  const bars = cells.flatMap((cell) => cell.bars ?? [])
  if (bars.length < cells.length) return {}
  const covered = bars.flatMap((one) => one.covered ?? [])
  return {
    bars: {
      flagged: mean(bars.map(({ flagged }) => flagged)),
      width: mean(bars.map(({ width }) => width)),
      ...(covered.length > 0 && { covered: mean(covered), worst: Math.min(...covered) }),
    },
  }
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}
