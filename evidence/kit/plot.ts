import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { looksOf, type Look } from './line-looks.ts'

export interface Line {
  readonly name: string
  /** (x, y), both > 0 on a logarithmic axis. */
  readonly points: readonly (readonly [number, number])[]
  readonly dashed?: boolean
  /** A place in the palette, to draw two lines alike. Default: that of the name. */
  readonly colour?: number
}

export interface Axis {
  readonly label: string
  /** Powers of ten marked. Default: linear. */
  readonly log?: boolean
  /** Marked instead, on a logarithmic axis. */
  readonly ticks?: readonly number[]
  /** At most this, where a few values would squeeze the others. */
  readonly most?: number
  /** At least this. */
  readonly least?: number
}

export interface Panel {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
}

/** A page shows a picture of this width as it is: letters keep their size. */
const WIDTH = 830
const HEIGHT = 280
const [HEAD, TITLE, ROW, LETTER] = [34, 22, 20, 7.2]

/** Panels under one title and one legend, two in a row: a name has one colour in all of them, and a method the same one in every picture. SVG text. */
export function plot(title: string, panels: readonly Panel[]): string {
  const looks = looksOf(panels.flatMap(({ lines }) => lines))
  const columns = Math.min(2, panels.length)
  const legend = legendOf(looks)
  const [width, top] = [WIDTH / columns, HEAD + legend.height]
  const height = top + Math.ceil(panels.length / columns) * (TITLE + HEIGHT)
  const fields = panels.map((panel, i) => {
    const [x, y] = [width * (i % columns), top + Math.floor(i / columns) * (TITLE + HEIGHT)]
    return `<g transform="translate(${x} ${y})">\n<text x="14" y="14" font-size="13">${safe(panel.title)}</text>\n<g transform="translate(0 ${TITLE})">\n${field(panel, looks, width)}\n</g>\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="14" y="21" font-size="15">${safe(title)}</text>`,
    ...legend.drawn,
    ...fields,
    '</svg>',
    '',
  ].join('\n')
}

/** Names with their marks, as many in a row as there is room for. */
function legendOf(looks: ReadonlyMap<string, Look>): { drawn: string[]; height: number } {
  let [x, row] = [14, 0]
  const drawn = [...looks].map(([name, { colour, dash, dots }]) => {
    const own = 48 + LETTER * name.length
    if (x + own > WIDTH && x > 14) [x, row] = [14, row + 1]
    const y = HEAD + 10 + ROW * row
    const line = `<path d="M${x.toFixed(1)} ${y - 4}h24" stroke="${colour}" stroke-width="2"${dash ? ` stroke-dasharray="${dash}"` : ''}/>`
    const dot = dots ? `<circle cx="${(x + 12).toFixed(1)}" cy="${y - 4}" r="3" fill="${colour}"/>` : ''
    const text = `<text x="${(x + 30).toFixed(1)}" y="${y}">${safe(name)}</text>`
    x += own
    return line + dot + text
  })
  return { drawn, height: ROW * (row + 1) + 8 }
}

function field({ x, y, lines }: Panel, looks: ReadonlyMap<string, Look>, width: number): string {
  const across = scaleOf(
    x,
    lines.flatMap(({ points }) => points.map(([value]) => value)),
  )
  const up = scaleOf(
    y,
    lines.flatMap(({ points }) => points.map(([, value]) => value)),
  )
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const drawn = Plot.plot({
    document,
    width,
    height: HEIGHT,
    marginLeft: 62,
    marginBottom: 46,
    marginRight: 22,
    style: { fontSize: '12px' },
    x: across.scale,
    y: up.scale,
    marks: [
      ...axisOf('x', x, across.ticks),
      ...axisOf('y', y, up.ticks),
      ...lines.flatMap(({ name, points }) => {
        const { colour, dash, dots } = looks.get(name)!
        const own = points.map(([px, py]) => [across.bounded(px), up.bounded(py)])
        return [
          Plot.line(own, { stroke: colour, strokeWidth: 2, strokeDasharray: dash || 'none' }),
          ...(dots ? [Plot.dot(own, { fill: colour, r: 3 })] : []),
        ]
      }),
    ],
  })
  drawn.querySelector('style')?.remove() // of a picture that stands alone: it would size the panel by the page
  return drawn.outerHTML
}

/** The grid of an axis and its marks: those that are asked for, or as many as the library takes. */
function axisOf(of: 'x' | 'y', axis: Axis, ticks: readonly number[] | undefined) {
  const grid = { stroke: '#ddd', strokeOpacity: 1, ticks: 5 }
  const marks = {
    ticks: 5,
    [ticks ? 'text' : 'tickFormat']: (value: number) => mark(axis, value),
    tickSize: 0,
    label: axis.label,
    labelAnchor: 'center',
    labelArrow: 'none',
    labelOffset: of === 'x' ? 38 : 52,
  } as const
  if (of === 'x') {
    return ticks ? [Plot.gridX(ticks, grid), Plot.axisX(ticks, marks)] : [Plot.gridX(grid), Plot.axisX(marks)]
  }
  return ticks ? [Plot.gridY(ticks, grid), Plot.axisY(ticks, marks)] : [Plot.gridY(grid), Plot.axisY(marks)]
}

interface Scale {
  readonly scale: Plot.ScaleOptions
  readonly ticks?: readonly number[]
  readonly bounded: (value: number) => number
}

function scaleOf(axis: Axis, values: readonly number[]): Scale {
  const bounded = (value: number) => Math.min(axis.most ?? Infinity, Math.max(axis.least ?? -Infinity, value))
  const shown = values.map(bounded)
  if (!axis.log && !axis.ticks)
    return { scale: { domain: [Math.min(0, ...shown), Math.max(...shown)], nice: 5 }, bounded }
  const steps = axis.ticks ?? roundSteps(Math.min(...shown), Math.max(...shown))
  const domain = [Math.min(...steps, ...shown), Math.max(...steps, ...shown)]
  if (steps[0] > steps.at(-1)!) domain.reverse()
  return {
    scale: { type: 'log', domain },
    ticks: axis.ticks || steps.length < 7 ? steps : steps.filter(isPower),
    bounded,
  }
}

/** The numbers 1, 2 and 5 times powers of ten around the two. */
function roundSteps(low: number, high: number): number[] {
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high / low)) + 2 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  )
  const steps = powers.flatMap((power) => [1, 2, 5].map((factor) => Number(`${factor}e${power}`)))
  const first = steps.findLastIndex((step) => step <= low * (1 + 1e-9))
  const last = steps.findIndex((step) => step >= high * (1 - 1e-9))
  return steps.slice(Math.max(0, Math.min(first, last - 1)), last + 1)
}

const powerOf = (value: number) => Math.round(Math.log10(value))
const isPower = (value: number) => Math.abs(value / 10 ** powerOf(value) - 1) < 1e-6

function mark({ log, ticks }: Axis, value: number): string {
  if (!log) return String(Number(value.toPrecision(6)))
  if (ticks && value < 1 && !isPower(value)) return `1/${Math.round(1 / value)}`
  if (value >= 1e-3 && value < (isPower(value) ? 1000 : 1e5)) return String(value)
  const power = Math.floor(Math.log10(value) + 1e-9)
  return `${isPower(value) ? '' : `${Math.round(value / 10 ** power)}·`}10${superscript(power)}`
}

function superscript(power: number): string {
  return Array.from(String(power), (sign) => (sign === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)])).join('')
}

function safe(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** One panel with logarithmic axes; `unit` stands behind the numbers of the lower one. */
export function logLogPlot(title: string, lines: readonly Line[], unit = ' B'): string {
  const x = { label: unit === ' B' ? 'bytes' : '', log: true }
  return plot(title, [{ title: '', x, y: { label: '', log: true }, lines }])
}
