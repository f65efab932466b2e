export interface Line {
  readonly name: string
  /** (x, y), both > 0. */
  readonly points: readonly (readonly [number, number])[]
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 420, 70, 190, 40, 50]
const COLOURS = ['#c0392b', '#2471a3', '#7d6608', '#1e8449', '#6c3483']

/** A plot of lines over logarithmic axes, powers of ten marked, as SVG text; `unit` stands behind the numbers of the lower axis. */
export function logLogPlot(title: string, lines: readonly Line[], unit = ' B'): string {
  const all = lines.flatMap(({ points }) => points)
  const [x0, x1] = decades(all.map(([x]) => x))
  const [y0, y1] = decades(all.map(([, y]) => y))
  const x = (value: number) => at(value, x0, x1, LEFT, WIDTH - RIGHT).toFixed(1)
  const y = (value: number) => at(value, y0, y1, HEIGHT - BOTTOM, TOP).toFixed(1)
  const grid = [
    ...powers(x0, x1).map((p) => rule(x(10 ** p), String(TOP), x(10 ** p), String(HEIGHT - BOTTOM))),
    ...powers(y0, y1).map((p) => rule(String(LEFT), y(10 ** p), String(WIDTH - RIGHT), y(10 ** p))),
    ...powers(x0, x1).map((p) => text(x(10 ** p), String(HEIGHT - BOTTOM + 18), `10^${p}${unit}`, 'middle')),
    ...powers(y0, y1).map((p) => text(String(LEFT - 8), y(10 ** p), `10^${p}`, 'end')),
  ]
  const drawn = lines.flatMap(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]!
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ')
    const key = TOP + 12 + 20 * i
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3.5" fill="${colour}"/>`),
      `<circle cx="${WIDTH - RIGHT + 14}" cy="${key - 4}" r="4" fill="${colour}"/>`,
      text(String(WIDTH - RIGHT + 24), String(key), name, 'start'),
    ]
  })
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`
  const ground = `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`
  return [open, ground, text(String(LEFT), '20', title, 'start'), ...grid, ...drawn, '</svg>', ''].join('\n')
}

/** Where a value stands between two powers of ten, drawn from … to. */
function at(value: number, low: number, high: number, from: number, to: number): number {
  return from + ((Math.log10(value) - low) / (high - low)) * (to - from)
}

function powers(low: number, high: number): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => low + i)
}

/** The powers of ten around the values. */
function decades(values: readonly number[]): [number, number] {
  const logs = values.map(Math.log10)
  const low = Math.floor(Math.min(...logs))
  return [low, Math.max(low + 1, Math.ceil(Math.max(...logs)))]
}

function rule(x1: string, y1: string, x2: string, y2: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`
}

function text(x: string, y: string, words: string, anchor: string): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${safe}</text>`
}
