import { boardMeans, type Board } from '@sublinear/board'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { spreadLabels } from './line-labels'
import { bytesText } from './report'

/** Colour and mark of a stream, in every chart and in the legend. */
export interface Look {
  readonly colour: string
  readonly dash: string
  readonly symbol: 'circle' | 'square' | 'triangle' | 'diamond'
}

/** Mid tones: legible on white and on black. */
const COLOURS = [
  '#d1495b',
  '#2e86ab',
  '#3a9d5d',
  '#c77d0a',
  '#8a63d2',
  '#0f9ba8',
  '#b5578f',
  '#7d8a2e',
  '#6b7f99',
  '#a8704a',
]
const SYMBOLS = ['circle', 'square', 'triangle', 'diamond'] as const
export const GREY = '#8a8a8a'
const [WIDTH, HEIGHT] = [560, 400]

/** Room right of a chart for the names of its lines; and between two names, as a share of its height. */
const LABELS = 112
const LABEL_GAP = 0.04

/** Writes names at the ends of lines, in their colours. */
function labelsOf(
  labels: readonly { readonly text: string; readonly x: number; readonly y: number; readonly colour: string }[],
) {
  return [
    Plot.text(labels, {
      x: 'x',
      y: 'y',
      text: 'text',
      fill: 'colour',
      dx: 8,
      textAnchor: 'start',
      fontSize: 11,
      clip: false,
    }),
  ]
}

export function lookOf(index: number): Look {
  const turn = Math.floor(index / COLOURS.length)
  return {
    colour: COLOURS[index % COLOURS.length],
    dash: ['none', '6 3', '2 3'][turn % 3],
    symbol: SYMBOLS[(index + turn) % SYMBOLS.length],
  }
}

/** Draws error against bytes, both logarithmic: means over the heads, with the references. */
export function errorChart(board: Board): string {
  const means = boardMeans(board)
  const points = means.flatMap(({ streams }) =>
    streams.flatMap(({ stream, outcome, error, bytes }) =>
      outcome === 'within' && error! > 0 ? [{ stream, bytes: bytes!, error: error! }] : [],
    ),
  )
  const samples = means.filter(({ sample }) => sample > 0).map(({ bytes, sample }) => ({ bytes, error: sample }))
  const levels = [
    { label: 'zero', error: means[0].zero },
    { label: 'mean of V', error: means[0].uniform },
  ].filter(({ error }) => error > 0)
  const errors = [...points, ...samples, ...levels].map(({ error }) => error)
  const least = Math.min(...[...points, ...samples].map(({ bytes }) => bytes))
  const lines = board.streams.flatMap((stream, i) => {
    const own = points.filter((point) => point.stream === stream).toSorted((a, b) => a.bytes - b.bytes)
    const { colour, dash, symbol } = lookOf(i)
    return [
      Plot.line(own, { x: 'bytes', y: 'error', stroke: colour, strokeDasharray: dash, strokeWidth: 2 }),
      Plot.dot(own, { x: 'bytes', y: 'error', fill: colour, symbol, r: 4, title: titleOf }),
    ]
  })
  const ends = board.streams.flatMap((text, i) => {
    const [last] = points.filter(({ stream }) => stream === text).toSorted((a, b) => b.bytes - a.bytes)
    return last ? [{ text, x: last.bytes, y: last.error, colour: lookOf(i).colour }] : []
  })
  return draw({
    insetLeft: 12,
    marginRight: LABELS,
    x: { type: 'log', label: 'bytes held' },
    y: { type: 'log', label: 'relative error', domain: around(errors) },
    marks: [
      ...axes(spaced(means.map(({ bytes }) => bytes)), bytesText, roundTicks(errors), String),
      Plot.ruleY(levels, { y: 'error', stroke: GREY, strokeDasharray: '4 3' }),
      Plot.text(levels, {
        x: least,
        y: 'error',
        text: 'label',
        dy: -7,
        textAnchor: 'start',
        fill: 'currentColor',
        stroke: 'var(--page)',
      }),
      Plot.line(samples, { x: 'bytes', y: 'error', stroke: GREY, strokeWidth: 2, strokeDasharray: '2 4' }),
      ...lines,
      ...labelsOf(spreadLabels(ends, around(errors), LABEL_GAP)),
    ],
  })
}

const titleOf = ({ stream, bytes, error }: { stream: string; bytes: number; error: number }) =>
  `${stream}: ${error.toPrecision(3)} in ${bytesText(bytes)}`

/** Draws the bytes held while tokens come in: of the first head, in one budget, with the cache beside them. */
export function memoryChart(board: Board, budget: number): string {
  const head = board.heads[0]
  const cells = head.budgets[budget].cells.filter(({ memory }) => memory)
  const rate = head.cacheBytes.float32 / board.prefix
  const places = [...new Set(cells.flatMap(({ memory }) => memory!.map(([tokens]) => tokens)))].toSorted(
    (a, b) => a - b,
  )
  const cache = places.map((tokens) => ({ tokens, bytes: tokens * rate }))
  const bytes = [...cells.flatMap(({ memory }) => memory!.map(([, held]) => held)), ...cache.map((at) => at.bytes)]
  const limit = head.budgets[budget]
  const ends = cells.flatMap(({ stream, memory }) => {
    const [tokens, held] = memory!.at(-1) ?? []
    return held ? [{ text: stream, x: tokens!, y: held, colour: lookOf(board.streams.indexOf(stream)).colour }] : []
  })
  const domain = around(bytes.filter((held) => held > 0))
  return draw({
    insetLeft: 12,
    marginRight: LABELS,
    x: { type: 'log', label: 'tokens' },
    y: { type: 'log', label: 'bytes held', domain },
    marks: [
      ...axes(spaced(places), String, byteTicks(bytes), bytesText),
      Plot.ruleY([limit], { y: 'bytes', stroke: GREY, strokeDasharray: '4 3' }),
      Plot.text([limit], {
        x: places[0] ?? 0,
        y: 'bytes',
        text: () => 'budget',
        dy: -7,
        textAnchor: 'start',
        fill: 'currentColor',
        stroke: 'var(--page)',
      }),
      Plot.line(cache, { x: 'tokens', y: 'bytes', stroke: GREY, strokeWidth: 2, strokeDasharray: '2 4' }),
      Plot.text(cache.slice(-1), {
        x: 'tokens',
        y: 'bytes',
        text: () => 'float32 cache',
        dy: -8,
        textAnchor: 'end',
        fill: 'currentColor',
        stroke: 'var(--page)',
      }),
      ...cells.flatMap(({ stream, memory }) => {
        const { colour, dash } = lookOf(board.streams.indexOf(stream))
        const own = memory!.map(([tokens, held]) => ({ tokens, held }))
        const title = ({ tokens, held }: (typeof own)[number]) => `${stream}: ${bytesText(held)} at ${tokens} tokens`
        return [
          Plot.line(own, { x: 'tokens', y: 'held', stroke: colour, strokeWidth: 2, strokeDasharray: dash }),
          Plot.dot(own, { x: 'tokens', y: 'held', fill: colour, r: 2.5, title }),
        ]
      }),
      ...labelsOf(spreadLabels(ends, domain, LABEL_GAP)),
    ],
  })
}

/** Draws a stream's line and mark for the legend. */
export function swatch(index: number): string {
  const { colour, dash, symbol } = lookOf(index)
  return (
    `<svg width="32" height="12" viewBox="0 0 32 12"><path d="M0 6H32" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>` +
    `<path d="${SHAPES[symbol]}" fill="${colour}"/></svg>`
  )
}

/** The marks of the charts around (16, 6). */
const SHAPES: Readonly<Record<Look['symbol'], string>> = {
  circle: 'M12 6a4 4 0 1 0 8 0a4 4 0 1 0 -8 0',
  square: 'M12.5 2.5h7v7h-7z',
  triangle: 'M16 1.5l5 8.5h-10z',
  diamond: 'M16 0l3.5 6l-3.5 6l-3.5 -6z',
}

/** Draws axes with exactly these ticks: a logarithmic scale of its own would leave some of them out. */
function axes(x: readonly number[], xText: (x: number) => string, y: readonly number[], yText: (y: number) => string) {
  return [Plot.gridY(y), Plot.axisX(x, { text: xText, tickPadding: 5 }), Plot.axisY(y, { text: yText })]
}

export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const drawn = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 58,
    marginBottom: 42,
    marginTop: 28,
    color: { type: 'identity' },
    style: { fontSize: '13px', background: 'none' },
    ...options,
  } as Plot.PlotOptions)
  drawn.querySelector('style')?.remove() // the page has its own
  drawn.removeAttribute('xmlns')
  drawn.removeAttribute('xmlns:xlink')
  return drawn.outerHTML
}

/** Ticks at 1, 2 and 5 times powers of ten, within and just around the values. */
function roundTicks(values: readonly number[]): number[] {
  const [low, high] = around(values)
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of [1, 2, 5]) ticks.push(Number((step * 10 ** power).toPrecision(1)))
  const inside = ticks.filter((tick) => tick >= low && tick <= high)
  return inside.length > 8 ? inside.filter((tick) => String(tick).includes('1')) : inside
}

function around(values: readonly number[]): [number, number] {
  return [Math.min(...values) / 1.15, Math.max(...values) * 1.15]
}

/** Ticks at powers of four bytes. */
function byteTicks(values: readonly number[]): number[] {
  const [low, high] = around(values.filter((value) => value > 0))
  return [1, 4, 16, 64, 256, 1000, 4000, 16_000, 64_000, 256_000, 1e6, 4e6, 16e6, 64e6, 256e6, 1e9].filter(
    (tick) => tick >= low && tick <= high,
  )
}

/** Values that are far enough apart on a logarithmic axis, the largest first. */
function spaced(values: readonly number[]): number[] {
  const kept: number[] = []
  for (const value of values.toSorted((a, b) => b - a))
    if (kept.length === 0 || kept.at(-1)! / value >= 1.6) kept.push(value)
  return kept
}
