import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// No measured number in a README is typed by hand: a table with one stands between the markers of the script that writes it (whose own test compares
// it with the committed results), or is named below with the script that prints it. Kills: a figure added to a prose table, a table moved out of
// its markers, a marker without its end or of a name that nothing regenerates.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const readmes = globSync(
  [
    '*.md',
    'docs/**/*.md',
    '{packages,apps,tools,evidence}/*/README.md',
    'apps/*/data/README.md',
    'examples/README.md',
    'evidence/README.md',
  ],
  {
    cwd: root,
  },
).map((path) => path.replaceAll('\\', '/'))

/** Tables that a script prints for copying, by file and first cell. */
const PRINTED: Readonly<Record<string, string>> = {
  'apps/cli/data/README.md | model': 'tools/scripts/sample-figures.mjs',
}
/** Pages without measured tables that look as if they had some: PAPERS.md, whose rows name the test that holds each figure, and a page of papers' names. */
const PROSE = new Set(['PAPERS.md', 'docs/methods.md'])

const MARKER = /^<!-- (\/?)([a-z-]+)(?::([a-zA-Z0-9-]+)[^>]*)? -->$/
/** A decimal of two digits or more (0.01 is a default), a time, a rate, a size, a factor. Code does not count. */
const MEASURED =
  /(?<![\d.])(?!0\.0*[1-9](?!\d))\d+\.\d|\d ?(?:ns|µs|ms|s|kB|MB|GB|GF|%)(?![\p{L}\d])|\d ?×(?! ?[\p{L}\d(])/u
/** Writers of sections: the script behind a marker, by its name, and by what it is of. */
const WRITERS: Readonly<Record<string, (of: string) => string>> = {
  answer: () => 'evidence/kit/draw-all.ts',
  asked: (of) => `evidence/${of}/ask.ts`,
  bundles: () => 'tools/scripts/bundle-page.mjs',
  campaigns: () => 'tools/campaigns/src/tables.ts',
  bench: (of) => (of === 'summary' ? 'tools/bench/src/tables.ts' : `tools/bench/src/suites/${of}.ts`),
  cluster: () => 'tools/cluster/src/tables.ts',
  demo: () => 'tools/scripts/readme-demo.mjs',
  evidence: () => 'evidence/whole-models/ask.ts',
  index: () => 'evidence/kit/draw-all.ts',
  method: () => 'tools/scripts/method-pages.mjs',
  power: () => 'tools/mutants/tables.mjs',
  which: () => 'tools/scripts/which-method.mjs',
  'windowed-recall': () => 'tools/bench/src/windowed-recall.ts',
  'without-end': () => 'evidence/reading-without-end/ask.ts',
  schema: () => 'tools/campaigns/src/schemas.ts',
}

interface Table {
  readonly line: number
  readonly rows: string[]
  readonly writer: string | undefined
}

/** The tables of a text, each with what writes it, and the faults of its markers. */
function read(text: string): { readonly tables: Table[]; readonly faults: string[] } {
  const [tables, faults]: [Table[], string[]] = [[], []]
  let open: { readonly name: string; readonly writer: string } | undefined
  let [fenced, inside] = [false, false]
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) fenced = !fenced
    const marker = fenced ? null : MARKER.exec(line)
    if (marker) {
      const [, slash, name, of] = marker as unknown as [string, string, string, string | undefined]
      if (slash && open?.name !== name) faults.push(`line ${i + 1}: ${name} ends and was not open`)
      if (!slash && open) faults.push(`line ${i + 1}: ${name} begins inside ${open.name}`)
      const writer = WRITERS[name]?.(of ?? '')
      if (!slash && !(writer && existsSync(root + writer))) faults.push(`line ${i + 1}: nothing writes ${name}:${of}`)
      open = slash ? undefined : { name, writer: writer ?? '' }
    }
    const isRow = !fenced && line.startsWith('|')
    if (isRow && !inside) tables.push({ line: i + 1, rows: [], writer: open?.writer })
    if (isRow) tables.at(-1)!.rows.push(line)
    inside = isRow
  }
  if (open) faults.push(`${open.name} has no end`)
  return { tables, faults }
}

test.each(readmes)('%s has sections that are written by scripts, and whole', (path) => {
  expect(read(readFileSync(root + path, 'utf8')).faults).toEqual([])
})

test.each(readmes.filter((path) => !PROSE.has(path)))('%s has no measured number in a table typed by hand', (path) => {
  const byHand = read(readFileSync(root + path, 'utf8')).tables.filter(({ writer }) => writer === undefined)
  const measured = byHand
    .filter(({ rows }) => !PRINTED[`${path} ${rows[0].split('|').slice(0, 2).join('|').trimEnd()}`])
    .flatMap(({ rows }) => rows.filter((row) => MEASURED.test(row.replaceAll(/`[^`]*`/g, ''))))
  expect(measured).toEqual([])
})

test('tables that are printed for copying are there, and so are their scripts', () => {
  for (const [place, script] of Object.entries(PRINTED)) {
    const [path, cell] = place.split(' | ') as [string, string]
    expect(readFileSync(root + path, 'utf8')).toContain(`| ${cell} |`)
    expect(existsSync(root + script), script).toBe(true)
  }
})

test('one command writes them all: `npm run results`', () => {
  const commands = execFileSync(process.execPath, [`${root}tools/scripts/results.mjs`, '--list'], { encoding: 'utf8' })
  const writers = readmes.flatMap((path) => read(readFileSync(root + path, 'utf8')).tables.map(({ writer }) => writer))
  for (const writer of new Set(writers)) {
    if (writer === undefined) continue
    const suite = /suites\/(.*)\.ts$/.exec(writer)
    expect(commands).toContain(suite ? `tools/bench/src/run.ts ${suite[1]}\n` : `> node ${writer}\n`)
  }
})

describe('what counts as measured', () => {
  test.each(['| a | 0.52 |', '| a | 1.5 |', '| a | 3 ms |', '| 12 µs |', '| 4× |', '| 100 kB |', '| 20 % |'])(
    '%s does',
    (row) => {
      expect(MEASURED.test(row)).toBe(true)
    },
  )
  test.each([
    '| 4·t + 8 |',
    '| n × t |',
    '| 64 × 64 |',
    '| d = 4, 2^32 |',
    '| 24 bytes |',
    '| a 3 share |',
    '| δ | 0.01 |',
  ])('%s does not', (row) => {
    expect(MEASURED.test(row)).toBe(false)
  })
})
