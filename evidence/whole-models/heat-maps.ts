/** One map: a value in 0 … 1, or none, by row (from the top) and column. */
export interface HeatMap {
  readonly title: string
  readonly rows: readonly (readonly (number | undefined)[])[]
}

export interface HeatMaps {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  readonly across: string
  readonly down: string
  /** Each under a heading of its own. */
  readonly groups: readonly { readonly name: string; readonly maps: readonly HeatMap[] }[]
}

const [WIDE, HIGH] = [26, 11] // of a cell
const [LEFT, TOP, RIGHT, GAP, HEAD, HEADING] = [36, 24, 12, 26, 34, 24]
const PER_LINE = 6

/** Maps side by side, red where nothing is recalled, blue where all is. SVG text. */
export function heatMaps({ title, columns, rows, across, down, groups }: HeatMaps): string {
  const [wide, high] = [LEFT + columns.length * WIDE + RIGHT, TOP + rows.length * HIGH + GAP]
  const heights = groups.map(({ maps }) => HEADING + Math.ceil(maps.length / PER_LINE) * high)
  const tops = heights.map((_, i) => HEAD + heights.slice(0, i).reduce((a, b) => a + b, 0))
  const end = HEAD + heights.reduce((a, b) => a + b, 0)
  const [width, height] = [wide * PER_LINE + 20, end + 50]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(LEFT, 22, title, 'start', 15),
    ...groups.flatMap(({ name, maps }, g) => [
      text(LEFT, tops[g] + 16, name, 'start', 13),
      ...maps.map((map, i) => {
        const [x, y] = [wide * (i % PER_LINE), tops[g] + HEADING + high * Math.floor(i / PER_LINE)]
        return `<g transform="translate(${x} ${y})">\n${field(map, columns, rows)}\n</g>`
      }),
    ]),
    key(LEFT, end + 8, `share of the questions answered; ${across} across, ${down} down`),
    '</svg>',
    '',
  ].join('\n')
}

function field({ title, rows }: HeatMap, columns: readonly string[], names: readonly string[]): string {
  return [
    text(LEFT, TOP - 8, title, 'start', 12),
    ...rows.flatMap((values, r) => values.map((value, c) => square(LEFT + c * WIDE, TOP + r * HIGH, value))),
    ...columns.map((name, c) => text(LEFT + (c + 0.5) * WIDE, TOP + rows.length * HIGH + 13, name, 'middle')),
    ...names.flatMap((name, r) => (name ? [text(LEFT - 6, TOP + (r + 0.8) * HIGH, name, 'end')] : [])),
  ].join('\n')
}

const square = (x: number, y: number, value: number | undefined) =>
  `<rect x="${x}" y="${y}" width="${WIDE - 1}" height="${HIGH - 1}" fill="${value === undefined ? '#e5e7e9' : colourOf(value)}"/>`

function key(x: number, y: number, words: string): string {
  const steps = [0, 0.25, 0.5, 0.75, 1]
  return [
    ...steps.map((value, i) => square(x + i * WIDE, y, value)),
    ...steps.map((value, i) => text(x + (i + 0.5) * WIDE, y + 24, String(value), 'middle')),
    text(x + steps.length * WIDE + 12, y + 10, words, 'start'),
  ].join('\n')
}

/** Colours from red over sand to blue, readable without red and green. */
const SCALE = [
  [178, 24, 43],
  [244, 165, 130],
  [247, 240, 225],
  [146, 197, 222],
  [33, 102, 172],
] as const

function colourOf(value: number): string {
  const at = Math.min(1, Math.max(0, value)) * (SCALE.length - 1)
  const low = Math.min(SCALE.length - 2, Math.floor(at))
  const mixed = SCALE[low].map((from, i) => Math.round(from + (at - low) * (SCALE[low + 1][i] - from)))
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size?: number): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${size ? ` font-size="${size}"` : ''}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`
}
