import Table from 'cli-table3'

/** Writes bytes for people: 92.1 kB, 1.05 MB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000
  return `${unit === 0 ? bytes : figureText(bytes)} ${units[unit]}`
}

export function rateText(perSecond: number): string {
  if (perSecond >= 1e6) return `${figureText(perSecond / 1e6)} M`
  if (perSecond >= 1e3) return `${figureText(perSecond / 1e3)} k`
  return figureText(perSecond)
}

/** Writes a number with so many digits, and with all digits before the point: never 1.9e+2. */
export function figureText(x: number, digits = 3): string {
  return Math.abs(x) < 10 ** digits - 0.5 ? x.toPrecision(digits) : x.toFixed(0)
}

/** Writes a share: 1/11 of the whole, `same`, or 1.2x where it is more. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return part === 0 ? 'same' : 'more'
  const times = whole / part
  if (Math.abs(times - 1) < 0.02) return 'same'
  if (times < 1) return `${figureText(1 / times, 2)}x`
  return `1/${times < 10 ? times.toFixed(1) : Math.round(times)}`
}

export interface Column {
  readonly head: string
  readonly align?: 'left' | 'right'
}

/**
 * Writes a plain table: aligned columns, no frame. Where the line is wider than `width`, the last column (the words) goes below its
 * row, indented and wrapped.
 */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const widest = columns.map(({ head }, c) => Math.max(head.length, ...rows.map((row) => row[c].length)))
  const full = widest.reduce((total, w) => total + w + 2, 0)
  if (full <= width) return draw(columns, rows)
  const numbers = draw(
    columns.slice(0, -1),
    rows.map((row) => row.slice(0, -1)),
  ).split('\n')
  const below = (words: string) => wrapped(words, Math.max(30, width - 4)).map((line) => `    ${line}`)
  return [columns.at(-1)!.head, ...rows.map((row) => row.at(-1)!)]
    .flatMap((words, r) => [numbers[r], ...below(words)])
    .join('\n')
}

/** Wraps a text at a width, as one string. */
export function paragraph(text: string, width: number): string {
  return Number.isFinite(width) ? wrapped(text, width).join('\n') : text
}

function draw(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const frame = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'] // prettier-ignore
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: Object.fromEntries(frame.map((name) => [name, name === 'middle' ? '  ' : ''])),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Wraps a text into lines of at most `width` characters. */
export function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length + 1 > width && line !== '') lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

/** The columns of the terminal; in a pipe there is no limit, since 80 would cut tables for nobody. */
export function outputWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Infinity
}
