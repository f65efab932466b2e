import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linksIn } from '../../tools/scripts/markdown.mjs'
import { FIRST, withSections } from './index-page.ts'
import { markdownTable } from './markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Text of a page by its path from the root; undefined for whatever is no page. A folder shows its README. */
function pageAt(path: string): string | undefined {
  const file = existsSync(root + path) && statSync(root + path).isDirectory() ? posix.join(path, 'README.md') : path
  return file.endsWith('.md') && existsSync(root + file) ? readFileSync(root + file, 'utf8') : undefined
}

/**
 * Clicks from a page to every place that its links lead to, as a reader of the hosted repository follows them: a walk in breadth over the links of Markdown pages. A place is
 * a path from the root, and a path with an anchor is a place of its own.
 *
 * @param most  clicks after which the walk ends
 */
export function clicksFrom(
  start: string,
  most = 3,
  read: (path: string) => string | undefined = pageAt,
): Map<string, number> {
  const clicks = new Map([[start, 0]])
  let pages = [start]
  for (let click = 1; click <= most; click++) {
    const next = new Set<string>()
    for (const page of pages) {
      for (const { target } of linksIn(read(page) ?? '')) {
        if (/^[a-z][a-z+.-]*:/i.test(target)) continue
        const [path = '', anchor] = decodeURIComponent(target).split('#')
        const folder = /\.\w+$/.test(posix.basename(page)) ? posix.dirname(page) : page
        const file = path === '' ? page : posix.join(folder, path).replace(/\/$/, '')
        for (const place of anchor === undefined ? [file] : [file, `${file}#${anchor}`]) {
          if (!clicks.has(place)) clicks.set(place, click)
        }
        if (clicks.get(file) === click) next.add(file)
      }
    }
    pages = [...next]
  }
  return clicks
}

/** Table of the clicks from the index to the numbers, the measurement and the data of the ten. Its places are no links, which would be counted. */
export function clicksTable(): string {
  const clicks = clicksFrom('evidence/README.md')
  const rows = ANSWERS.map((places, i) => [
    `${i + 1}. ${FIRST[i][0]}`,
    ...places.map((place) => `${clicks.get(place) ?? 'none'}: \`${place}\``),
  ])
  return markdownTable(['question', 'clicks to its numbers', 'to the script or test', 'to the data'], rows)
}

/** Where the ten have their numbers, the script or test that measures them, and its data: paths from the root, with the anchor where a page has more than one answer. */
export const ANSWERS: readonly (readonly [numbers: string, measured: string, data: string])[] = [
  ofQuestion('whole-models'),
  ofQuestion('board'),
  [
    'docs/evidence.md#autostream-against-the-best-single-policy',
    'evidence/policies/ask.ts',
    'evidence/policies/result.json',
  ],
  ofQuestion('regimes'),
  ofQuestion('advice'),
  ofQuestion('reading-without-end', 'sharp.json'),
  ofQuestion('fixed-memory-curve'),
  ofQuestion('error-bars'),
  [
    'docs/papers/one-pass.md#algorithm-1',
    'packages/streaming-attention/test/algorithm-1.test.ts',
    'evidence/end-to-end/result.json',
  ],
  ['docs/measured/speed.md', 'tools/bench/README.md', 'tools/bench/results'],
]

function ofQuestion(name: string, data = 'result.json') {
  return [`evidence/${name}/README.md`, `evidence/${name}/ask.ts`, `evidence/${name}/${data}`] as const
}

const kit = new URL('README.md', import.meta.url)
export const kitText = (): string => readFileSync(kit, 'utf8')
/** The page of the kit with the table brought up to date. */
export const withClicks = (text: string): string => withSections(text, { clicks: clicksTable })

export function updateClicks(): void {
  writeFileSync(kit, withClicks(kitText()))
}
