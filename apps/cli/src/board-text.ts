import { boardMeans, type Board, type BoardMean, type BoardMeans, type BoardUnit } from '@sublinear/board'
import { bytesText, figureText, paragraph, shareText, tableText } from './report'

export const UNITS = ['relative', 'softmax', 'value'] as const satisfies readonly BoardUnit[]

/** Headings of the units. */
export const UNIT_WORDS: Readonly<Record<BoardUnit, string>> = {
  relative: 'error relative to exact attention (Frobenius norm)',
  softmax: 'error of a query over |softmax|_2 |V|_F, the epsilon of both papers',
  value: 'error of a query over max |v|',
}

/** Writes the board for people: a table of means over the heads, the best method of each budget, and what went wrong. */
export function boardText(board: Board, width: number, unit: BoardUnit = 'relative'): string {
  const { heads, prefix, queries } = board
  const [first] = heads
  const cache = first.cacheBytes
  const of = heads.length > 1 ? `mean over ${heads.length} heads` : headText(first.name)
  const intro =
    `${prefix} tokens were summarised and the next ${queries} asked: ${UNIT_WORDS[unit]}, ${of}. ` +
    `A float32 cache of the ${prefix} tokens is ${bytesText(cache.float32)} a head; a float16 cache is half of it.`
  return [
    paragraph(intro, width),
    '',
    tables(boardTable(board, unit), width),
    '',
    ...barLines(board, width),
    ...bestLines(board, unit).map((line) => paragraph(line, width)),
    ...cannotLines(board).map((line) => paragraph(line, width)),
    ...faults(board).map((line) => paragraph(line, width)),
  ].join('\n')
}

/** The table of error bars, where the board has any: a column for each budget, a row for each stream that gives them. */
export function barsTable(board: Board): string[][] {
  const means = boardMeans(board)
  const rows = board.streams.flatMap((stream, s) =>
    means.some(({ streams }) => streams[s].bars)
      ? [[stream, ...means.map(({ streams }) => barsCell(streams[s].bars))]]
      : [],
  )
  return rows.length === 0 ? [] : [['covered by 95 % bars', ...means.map(({ budget }) => budget)], ...rows]
}

/** Writes the coverage of error bars, also of the worst head, and the share of rows without a bar. */
function barsCell(bars: BoardMean['bars']): string {
  if (!bars) return '–'
  const { covered, worst, flagged } = bars
  const none = `${Math.round(100 * flagged)} % no bar`
  return covered === undefined || worst === undefined
    ? none
    : `${covered.toFixed(3)} (worst ${worst.toFixed(3)}${flagged > 0 ? `, ${none}` : ''})`
}

function barLines(board: Board, width: number): string[] {
  const rows = barsTable(board)
  return rows.length === 0 ? [] : [tables(rows, width), '']
}

/** The text for a head: a head of an array by its place, a file that is one matrix by its name. */
export function headText(name: string): string {
  return /^[\d.]+$/.test(name) ? `head ${name}` : name
}

/** Streams that do not compute what heads do, a line for each thing. */
function cannotLines({ heads }: Board): string[] {
  const streams = new Map<string, Set<string>>()
  for (const { stream, outcome, why } of heads.flatMap(({ budgets }) => budgets.flatMap(({ cells }) => cells))) {
    if (outcome === 'cannot') streams.set(why!, (streams.get(why!) ?? new Set()).add(stream))
  }
  return [...streams].map(([why, names]) => `${why}: ${[...names].join(', ')}`)
}

/** Streams that were over their budget or failed, a line each. */
export function faults({ heads }: Board): string[] {
  return heads.flatMap((head) =>
    head.budgets.flatMap(({ name, cells }) =>
      cells
        .filter(({ outcome }) => outcome === 'over' || outcome === 'failed')
        .map(({ stream, outcome, why }) => `${stream}, ${headText(head.name)}, budget ${name}: ${outcome}: ${why}`),
    ),
  )
}

/** Text lines, one for each budget: the best streams, and on how many heads each was best. */
export function bestLines({ heads, streams }: Board, unit: BoardUnit = 'relative'): string[] {
  return (heads[0]?.budgets ?? []).map(({ name }, b) => {
    const counts = new Map<string, number>()
    for (const { budgets } of heads) {
      const [best] = budgets[b].cells
        .filter(({ outcome }) => outcome === 'within')
        .map(({ stream, errors }) => [stream, unit === 'relative' ? errors!.relative : errors![unit].mean] as const)
        .toSorted(([, x], [, y]) => x - y)
      if (best) counts.set(best[0], (counts.get(best[0]) ?? 0) + 1)
    }
    const words = streams
      .filter((stream) => counts.has(stream))
      .toSorted((a, b) => counts.get(b)! - counts.get(a)!)
      .map((stream) => (heads.length > 1 ? `${stream} on ${counts.get(stream)} of ${heads.length} heads` : stream))
    return `best at ${name}: ${words.join(', ') || 'none fits'}`
  })
}

/** The rows of the board's table, headings first: a column for each budget, and times. */
export function boardTable(board: Board, unit: BoardUnit = 'relative'): string[][] {
  const means = boardMeans(board, unit)
  const { float16 } = board.heads[0].cacheBytes
  const timed = means.some(({ streams }) => streams.some(({ time }) => time))
  const row = (name: string, of: (budget: BoardMeans) => string, times: readonly string[] = ['', '']) => [
    name,
    ...means.map(of),
    ...(timed ? times : []),
  ]
  return [
    row('stream', ({ budget }) => budget, ['µs a token', 'µs a query']),
    row('bytes', ({ bytes }) => bytesText(bytes)),
    row('of float16', ({ bytes }) => shareText(bytes, float16)),
    ...board.streams.map((stream, s) => row(stream, ({ streams }) => errorText(streams[s]), timesText(means, s))),
    row('uniform sample', ({ sample }) => sample.toFixed(3)),
    row('mean of V', ({ uniform }) => uniform.toFixed(3)),
    row('zero', ({ zero }) => zero.toFixed(3)),
  ]
}

export function errorText({ outcome, error }: Pick<BoardMean, 'outcome' | 'error'>): string {
  return outcome === 'within' ? error!.toFixed(3) : outcome === 'does not fit' ? '–' : outcome
}

/** Times of a token and of a query, in the first budget that the stream fits. */
function timesText(means: readonly BoardMeans[], stream: number): string[] {
  const time = means.map(({ streams }) => streams[stream].time).find((found) => found !== undefined)
  return [time?.push, time?.query].map((x) => (x === undefined ? '–' : figureText(x, 2)))
}

/** Lays text tables side by side, as many as the width has room for; the others go below. */
export function tables(rows: readonly (readonly string[])[], width: number): string {
  const widest = rows[0].map((_, c) => 2 + Math.max(...rows.map((row) => row[c].length)))
  const parts: number[][] = [[]]
  let used = widest[0]
  for (let c = 1; c < widest.length; c++) {
    if (used + widest[c] > width && parts.at(-1)!.length > 0) {
      parts.push([])
      used = widest[0]
    }
    parts.at(-1)!.push(c)
    used += widest[c]
  }
  return parts
    .map((part) => {
      const [head, ...body] = rows.map((row) => [row[0], ...part.map((c) => row[c])])
      const columns = head.map((text, c) => ({ head: text, align: c === 0 ? ('left' as const) : ('right' as const) }))
      return tableText(columns, body, Infinity)
    })
    .join('\n\n')
}
