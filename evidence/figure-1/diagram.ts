import type { Figure1, Way } from './peaks.ts'

const [WIDTH, LANE, HEAD] = [940, 202, 46]
/** Where the bars begin, and how long one of 2 GB is. */
const [BARS, FULL] = [660, 190]

interface Box {
  readonly name: string
  readonly shape: string
  readonly width: number
  readonly height: number
  /** Grows with n. */
  readonly long?: boolean
  /** Sign drawn behind the box: a product, an arrow. */
  readonly behind: string
}

interface Lane {
  readonly way: Way
  readonly title: string
  readonly note: string
  readonly boxes: readonly Box[]
}

const LANES: readonly Lane[] = [
  {
    way: 'plain',
    title: 'n × n attention',
    note: 'everything held: n² + n·d numbers',
    boxes: [
      { name: 'D⁻¹A', shape: 'n × n', width: 100, height: 100, long: true, behind: '·' },
      { name: 'V', shape: 'n × d', width: 26, height: 100, long: true, behind: '=' },
      { name: 'T', shape: 'n × d', width: 26, height: 100, long: true, behind: '' },
    ],
  },
  {
    way: 'features',
    title: 'features, U₁(U₂ᵀV)',
    note: 'everything held: n·(t + d) numbers',
    boxes: [
      { name: 'D̃⁻¹U₁', shape: 'n × t', width: 58, height: 100, long: true, behind: '· (' },
      { name: 'U₂ᵀ', shape: 't × n', width: 100, height: 52, long: true, behind: '·' },
      { name: 'V', shape: 'n × d', width: 26, height: 100, long: true, behind: ') =' },
      { name: 'T', shape: 'n × d', width: 26, height: 100, long: true, behind: '' },
    ],
  },
  {
    way: 'streams',
    title: 'streaming sketches (Algorithm 1)',
    note: 'one pass over V, over K, over Q: nothing of length n held',
    boxes: [
      { name: 'ΦD̃⁻¹U₁', shape: 'm₁ × t', width: 72, height: 66, behind: '· (' },
      { name: '(ΨU₂)ᵀ', shape: 't × m₂', width: 72, height: 50, behind: '·' },
      { name: 'ΨV', shape: 'm₂ × d', width: 30, height: 62, behind: ') =' },
      { name: 'Z', shape: 'm₁ × d', width: 30, height: 66, behind: 'decode →' },
      { name: 'T', shape: 'k a column', width: 26, height: 100, behind: '' },
    ],
  },
  {
    way: 'blocks',
    title: "exact attention in blocks, which the paper's figure leaves out",
    note: 'a tile of the scores at a time, no n × n matrix: 4·n·d numbers',
    boxes: [
      { name: 'Q', shape: 'n × d', width: 26, height: 100, long: true, behind: '·' },
      { name: 'Kᵀ', shape: 'd × n', width: 100, height: 26, long: true, behind: '→' },
      { name: 'V', shape: 'n × d', width: 26, height: 100, long: true, behind: '=' },
      { name: 'T', shape: 'n × d', width: 26, height: 100, long: true, behind: '' },
    ],
  },
]

/** The three computations and their exact rival, one a lane: matrices to the left, measured peaks to the right. SVG. */
export function diagram({ lengths, peaks }: Figure1): string {
  const height = HEAD + LANE * LANES.length + 42
  const lanes = LANES.flatMap(({ way, title, note, boxes }, i) => [
    `<g transform="translate(0 ${HEAD + LANE * i})">`,
    `<line x1="24" y1="0" x2="${WIDTH - 24}" y2="0" stroke="#ccc"/>`,
    `<text x="24" y="24" font-weight="bold">${title}</text>`,
    `<text x="24" y="186" fill="#555">${note}</text>`,
    ...boxesOf(boxes),
    ...bars(way, lengths, peaks[way]),
    '</g>',
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    '<text x="24" y="28" font-size="16">Figure 1 of the one-pass paper, with measured peak memory</text>',
    `<text x="${BARS}" y="28" fill="#555">peak memory by length</text>`,
    ...lanes,
    `<line x1="24" y1="${height - 42}" x2="${WIDTH - 24}" y2="${height - 42}" stroke="#ccc"/>`,
    `<text x="24" y="${height - 16}" fill="#555">Red grows with n, green does not (m₁ as log n). d = dv = 4, t = 70, m₂ = 1024, k = 16. Bars are logarithmic.</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function boxesOf(boxes: readonly Box[]): string[] {
  const out: string[] = []
  let x = 34
  for (const { name, shape, width, height, long, behind } of boxes) {
    const top = 98 - height / 2
    const [stroke, fill] = long ? ['#c0392b', '#fbeae8'] : ['#1e8449', '#e8f6ee']
    const column = Math.max(width, 6 * shape.length)
    const left = x + (column - width) / 2
    const sparse = name === 'T' && !long // a few rows, the name above them
    out.push(
      `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${sparse ? 'white' : fill}" stroke="${stroke}"/>`,
      ...(sparse
        ? [16, 37, 80].map((y) => `<rect x="${left}" y="${top + y}" width="${width}" height="4" fill="${stroke}"/>`)
        : []),
      `<text x="${left + width / 2}" y="${sparse ? top - 6 : 102}" text-anchor="middle">${name}</text>`,
      `<text x="${left + width / 2}" y="${top + height + 15}" text-anchor="middle" font-size="11" fill="#555">${shape}</text>`,
    )
    const gap = 16 + 8 * behind.length
    x += column
    out.push(`<text x="${x + gap / 2}" y="103" text-anchor="middle" font-size="15">${behind}</text>`)
    x += gap
  }
  return out
}

/** A bar a length, on a logarithmic scale from 1 MB on. */
function bars(way: Way, lengths: readonly number[], peaks: readonly (number | null)[]): string[] {
  const colour = way === 'streams' ? '#1e8449' : '#c0392b'
  return lengths.flatMap((n, i) => {
    const y = 40 + 26 * i
    const peak = peaks[i]!
    const bar = peak === null ? 0 : 2 + (FULL * Math.log10(Math.max(1, peak))) / Math.log10(2000)
    return [
      `<text x="${BARS - 10}" y="${y + 11}" text-anchor="end" font-size="12">n = ${power(n)}</text>`,
      `<rect x="${BARS}" y="${y}" width="${bar.toFixed(1)}" height="14" fill="${colour}"/>`,
      `<text x="${(BARS + bar + 6).toFixed(1)}" y="${y + 11}" font-size="12">${peak === null ? 'not run' : safe(megabytes(peak))}</text>`,
    ]
  })
}

function power(n: number): string {
  return `2${Array.from(String(Math.log2(n)), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')}`
}

/** Markdown and, but for `<`, SVG. */
export function megabytes(peak: number): string {
  if (peak < 0.95) return '< 1 MB'
  return `${peak < 10 ? peak.toFixed(1) : Math.round(peak)} MB`
}

function safe(words: string): string {
  return words.replaceAll('<', '&lt;')
}
