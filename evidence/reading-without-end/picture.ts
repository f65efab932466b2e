/** A line with its name at its end. */
export interface Named {
  readonly name: string
  readonly colour: string
  readonly dashed?: boolean
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Field {
  readonly title: string
  readonly lines: readonly Named[]
}

export interface Axes {
  readonly x: { readonly label: string; readonly ticks: readonly number[] }
  /** Values beyond `most` are drawn there, with an arrow. */
  readonly y: {
    readonly label: string
    readonly ticks: readonly number[]
    readonly least: number
    readonly most: number
  }
}

const WIDTH = 830
const [LEFT, NAMES, TOP, HEIGHT, BOTTOM] = [52, 118, 58, 250, 46]
const LINE = 14 // between two names

/** Two fields side by side, x logarithmic, 830 pixels wide, no text smaller than 12. SVG text. */
export function picture(title: string, fields: readonly Field[], axes: Axes): string {
  const step = WIDTH / fields.length
  const height = TOP + HEIGHT + BOTTOM
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="12" y="20" font-size="15">${safe(title)}</text>`,
    ...fields.map((field, i) => `<g transform="translate(${step * i} 0)">\n${drawn(field, axes, step)}\n</g>`),
    '</svg>',
    '',
  ].join('\n')
}

function drawn({ title, lines }: Field, { x, y }: Axes, step: number): string {
  const right = step - NAMES
  const [low, high] = [Math.log(x.ticks[0]), Math.log(x.ticks.at(-1)!)]
  const across = (value: number) => LEFT + ((Math.log(value) - low) / (high - low)) * (right - LEFT)
  const up = (value: number) =>
    TOP + HEIGHT - ((Math.min(y.most, Math.max(y.least, value)) - y.least) / (y.most - y.least)) * HEIGHT
  const ends = spread(lines.map(({ points }) => up(points.at(-1)![1])))
  return [
    `<text x="${LEFT}" y="${TOP - 14}" font-size="13">${safe(title)}</text>`,
    ...x.ticks.flatMap((tick) => [
      rule(across(tick), TOP, across(tick), TOP + HEIGHT),
      `<text x="${across(tick).toFixed(1)}" y="${TOP + HEIGHT + 17}" text-anchor="middle">${tick >= 1000 ? `${Math.round(tick / 100) / 10}k` : tick}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      rule(LEFT, up(tick), right, up(tick)),
      `<text x="${LEFT - 6}" y="${(up(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
    ]),
    `<text x="${((LEFT + right) / 2).toFixed(1)}" y="${TOP + HEIGHT + 36}" text-anchor="middle">${safe(x.label)}</text>`,
    `<text x="14" y="${TOP + HEIGHT / 2}" transform="rotate(-90 14 ${TOP + HEIGHT / 2})" text-anchor="middle">${safe(y.label)}</text>`,
    ...lines.flatMap(({ name, colour, dashed, points }, i) => {
      const dash = dashed ? ' stroke-dasharray="5 4"' : ''
      const [endX, endY] = points.at(-1)!
      const beyond = points.filter(([, value]) => value > y.most)
      return [
        `<polyline points="${points.map(([px, py]) => `${across(px).toFixed(1)},${up(py).toFixed(1)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
        ...points.map(
          ([px, py]) => `<circle cx="${across(px).toFixed(1)}" cy="${up(py).toFixed(1)}" r="2.6" fill="${colour}"/>`,
        ),
        ...beyond.map(
          ([px, py]) =>
            `<text x="${(across(px) - 4).toFixed(1)}" y="${TOP + 13}" text-anchor="end" fill="${colour}">${py.toFixed(2)} ↑</text>`,
        ),
        `<line x1="${across(endX).toFixed(1)}" y1="${up(endY).toFixed(1)}" x2="${right + 6}" y2="${(ends[i] - 4).toFixed(1)}" stroke="${colour}" stroke-width="0.7"/>`,
        `<text x="${right + 8}" y="${ends[i].toFixed(1)}" fill="${colour}">${safe(name)}</text>`,
      ]
    }),
  ].join('\n')
}

/** Base lines of names near these heights, none over another. */
function spread(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).toSorted((a, b) => heights[a] - heights[b])
  const out = heights.map((height) => height + 4)
  for (let k = 1; k < order.length; k++) out[order[k]] = Math.max(out[order[k]], out[order[k - 1]] + LINE)
  let last = TOP + HEIGHT + 4
  for (const i of order.toReversed()) {
    out[i] = Math.min(out[i], last)
    last = out[i] - LINE
  }
  return out
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1))
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#ddd"/>`
}

function safe(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
