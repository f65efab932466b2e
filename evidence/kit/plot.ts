export interface Line {
  readonly name: string
  /** (x, y), both > 0 on a logarithmic axis. */
  readonly points: readonly (readonly [number, number])[]
  readonly dashed?: boolean
  /** A place in the palette, to draw two lines alike. Default: that of the name among all names. */
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

const [WIDTH, HEIGHT] = [360, 300] // of the field of a panel
const [LEFT, TOP, BOTTOM, GAP, HEAD] = [64, 30, 54, 26, 34]
const KEY = 250 // the legend's column
const COLOURS = [
  '#c0392b',
  '#2471a3',
  '#1e8449',
  '#b9770e',
  '#6c3483',
  '#17202a',
  '#5d6d7e',
  '#d4679a',
  '#7b7d7d',
  '#17a2a8',
  '#e67e22',
]

/** Panels side by side under one title, with one legend: a name has one colour in all of them. SVG text. */
export function plot(title: string, panels: readonly Panel[]): string {
  const lines = new Map(panels.flatMap((panel) => panel.lines.map((line) => [line.name, line] as const)))
  const names = [...lines.keys()]
  const step = LEFT + WIDTH + GAP
  const width = step * panels.length + KEY
  const height = HEAD + TOP + Math.max(HEIGHT, 20 * names.length) + BOTTOM
  const legend = names.flatMap((name, i) => {
    const y = HEAD + TOP + 10 + 20 * i
    const { dashed, colour = i, points } = lines.get(name)!
    const x = step * panels.length
    const stroke = `stroke="${colourOf(colour)}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}`
    return [
      points.length > 1
        ? `<line x1="${x}" y1="${y - 4}" x2="${x + 20}" y2="${y - 4}" ${stroke}/>`
        : `<circle cx="${x + 10}" cy="${y - 4}" r="3.2" fill="${colourOf(colour)}"/>`,
      text(x + 26, y, name, 'start'),
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${LEFT}" y="22" font-size="15">${safe(title)}</text>`,
    ...panels.map((panel, i) => `<g transform="translate(${step * i} ${HEAD})">\n${field(panel, names)}\n</g>`),
    ...legend,
    '</svg>',
    '',
  ].join('\n')
}

function field({ title, x, y, lines }: Panel, names: readonly string[]): string {
  const across = scaleOf(
    x,
    lines.flatMap(({ points }) => points.map(([value]) => value)),
    LEFT,
    LEFT + WIDTH,
  )
  const up = scaleOf(
    y,
    lines.flatMap(({ points }) => points.map(([, value]) => value)),
    TOP + HEIGHT,
    TOP,
  )
  const grid = [
    ...across.ticks.flatMap((value) => [
      rule(across.at(value), TOP, across.at(value), TOP + HEIGHT),
      text(across.at(value), TOP + HEIGHT + 17, mark(x, value), 'middle'),
    ]),
    ...up.ticks.flatMap((value) => [
      rule(LEFT, up.at(value), LEFT + WIDTH, up.at(value)),
      text(LEFT - 7, up.at(value) + 4, mark(y, value), 'end'),
    ]),
  ]
  const drawn = lines.flatMap(({ name, points, dashed, colour: place }) => {
    const colour = colourOf(place ?? names.indexOf(name))
    const shown = points.map(([px, py]) => [across.at(px).toFixed(1), up.at(py).toFixed(1)] as const)
    const dash = dashed ? ' stroke-dasharray="5 4"' : ''
    return [
      `<polyline points="${shown.map((point) => point.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
      ...(dashed ? [] : shown.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3.2" fill="${colour}"/>`)),
    ]
  })
  const middle = TOP + HEIGHT / 2
  return [
    text(LEFT, TOP - 9, title, 'start'),
    ...grid,
    text(LEFT + WIDTH / 2, TOP + HEIGHT + 38, x.label, 'middle'),
    `<text x="14" y="${middle}" transform="rotate(-90 14 ${middle})" text-anchor="middle">${safe(y.label)}</text>`,
    ...drawn,
  ].join('\n')
}

interface Scale {
  readonly ticks: readonly number[]
  /** Where a value stands, in pixels. */
  readonly at: (value: number) => number
}

function scaleOf(axis: Axis, values: readonly number[], from: number, to: number): Scale {
  const bounded = (value: number) => Math.min(axis.most ?? Infinity, Math.max(axis.least ?? -Infinity, value))
  const [ticks, transform] = axis.ticks
    ? [axis.ticks, Math.log10]
    : axis.log
      ? [decades(values.map(bounded)), Math.log10]
      : [evenSteps(Math.min(0, ...values.map(bounded)), Math.max(...values.map(bounded))), Number]
  const [low, high] = [transform(ticks[0]), transform(ticks.at(-1)!)]
  return { ticks, at: (value) => from + ((transform(bounded(value)) - low) / (high - low)) * (to - from) }
}

/** The powers of ten around the values. */
function decades(values: readonly number[]): number[] {
  const logs = values.map(Math.log10)
  const low = Math.floor(Math.min(...logs))
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)))
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
}

/** Four to ten round steps from low to at least high. */
function evenSteps(low: number, high: number): number[] {
  const rough = (high - low) / 4
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = [5, 2, 1].map((factor) => factor * unit).find((size) => size <= rough)!
  const first = Math.floor(low / step)
  return Array.from({ length: Math.ceil(high / step - 1e-9) - first + 1 }, (_, i) => (first + i) * step)
}

function mark({ log }: Axis, value: number): string {
  if (!log) return String(Number(value.toPrecision(6)))
  const power = Math.round(Math.log10(value))
  if (Math.abs(value / 10 ** power - 1) > 1e-6) return value < 1 ? `1/${Math.round(1 / value)}` : String(value)
  return power >= -1 && power <= 2 ? String(10 ** power) : `10${superscript(power)}`
}

function superscript(power: number): string {
  return Array.from(String(power), (sign) => (sign === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)])).join('')
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1))
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#ddd"/>`
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${safe(words)}</text>`
}

function safe(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** One panel with logarithmic axes; `unit` stands behind the numbers of the lower one. */
export function logLogPlot(title: string, lines: readonly Line[], unit = ' B'): string {
  const x = { label: unit === ' B' ? 'bytes' : '', log: true }
  return plot(title, [{ title: '', x, y: { label: '', log: true }, lines }])
}
