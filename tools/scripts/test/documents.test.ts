import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { anchorsIn, linesOf, linksIn } from '../markdown.mjs'

// Pages lead where they say, and READMEs stay short. Kills: a link to a file that was moved, to a heading that was renamed, to a folder without a page but
// with an anchor, a link in a table, a README that grows beyond its length, an exception that is no longer needed.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pages = globSync(
  ['*.md', '.changeset/*.md', 'docs/**/*.md', 'examples/**/*.md', '{packages,apps,tools,evidence}/**/*.md'],
  { cwd: root, exclude: (path) => /(^|[\\/])(node_modules|dist|cache|coverage|CHANGELOG\.md)$/.test(path.toString()) },
)
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !/(^|\/)(node_modules|dist|cache)\/|^apps\/docs\/api\//.test(path))
  .toSorted()

/** Faults of the relative links of a page. */
function deadLinks(page: string, text: string): string[] {
  return linksIn(text).flatMap(({ line, target }) => {
    if (/^[a-z][a-z+.-]*:/i.test(target)) return []
    const [path, anchor] = decodeURIComponent(target).split('#') as [string, string | undefined]
    const file = path === '' ? page : normalize(join(dirname(page), path)).replaceAll('\\', '/')
    if (file.startsWith('..') || !existsSync(join(root, file))) return [`line ${line}: there is no ${target}`]
    if (anchor === undefined) return []
    const isFolder = statSync(join(root, file)).isDirectory()
    const place = isFolder ? join(file, 'README.md') : file
    if (!place.endsWith('.md') || !existsSync(join(root, place))) return [`line ${line}: ${target} is no page`]
    const other = place === page ? text : readFileSync(join(root, place), 'utf8')
    return anchorsIn(other).includes(anchor) ? [] : [`line ${line}: there is no heading for ${target}`]
  })
}

test.each(pages)('%s has no dead link', (page) => {
  expect(deadLinks(page, readFileSync(join(root, page), 'utf8'))).toEqual([])
})

/** Longest READMEs, in lines, generated tables included. */
const LONGEST = 120
/** Exceptions: pages that are longer or must be shorter. */
const LENGTHS: Readonly<Record<string, number>> = {
  'README.md': 60,
  'ARCHITECTURE.md': LONGEST,
  'CONTRIBUTING.md': LONGEST,
}

/** Paths that a page links to, from the root. */
const linkedFrom = (page: string) =>
  linksIn(readFileSync(join(root, page), 'utf8')).map(({ target }) =>
    normalize(join(dirname(page), target.split('#')[0])).replaceAll('\\', '/'),
  )

test('every page of evidence is linked from its index, or from a page that is', () => {
  const own = pages.filter((page) => page.startsWith('evidence/') && page !== 'evidence/README.md')
  const first = linkedFrom('evidence/README.md')
  const second = own.filter((page) => first.includes(page)).flatMap(linkedFrom)
  expect(own.length).toBeGreaterThan(40)
  expect(own.filter((page) => !first.includes(page) && !second.includes(page))).toEqual([])
})

describe('READMEs stay short', () => {
  const readmes = pages.filter((page) => page.endsWith('README.md'))
  test.each([...new Set([...readmes, ...Object.keys(LENGTHS)])])('%s', (page) => {
    const lines = linesOf(readFileSync(join(root, page), 'utf8'))
    const most = LENGTHS[page] ?? LONGEST
    expect(lines).toBeLessThanOrEqual(most)
    if (most > LONGEST) expect(lines, 'the exception can go').toBeGreaterThan(LONGEST)
  })

  test('all of them are looked at', () => {
    expect(readmes.length).toBeGreaterThan(25)
    expect(readmes).toContain('packages/core/README.md')
  })
})

describe('the glossary', () => {
  const rows = readFileSync(join(root, 'docs/glossary.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:---|noun )/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))

  test('has a noun once, and a line for each', () => {
    expect(rows.length).toBeGreaterThan(60)
    const nouns = rows.map(([, noun]) => noun)
    expect(nouns.toSorted()).toEqual([...new Set(nouns)].toSorted())
    for (const [, noun, meaning, ...rest] of rows) expect([noun, meaning.length > 10, rest]).toEqual([noun, true, ['']])
  })

  test('has no noun that the code does not use', () => {
    const code = globSync('{packages,apps}/*/src/**/*.ts', { cwd: root })
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .join('\n')
      .toLowerCase()
    expect(
      rows.filter(([, noun]) => !noun.split(' ').every((word) => code.includes(word))).map(([, noun]) => noun),
    ).toEqual([])
  })
})

describe('what a link is', () => {
  const text = [
    '# A title: of *two* parts, `code` & a + b',
    '[one](other.md#part) and ![two](<a b.svg>) `[none](x.md)`',
    '```',
    '[none](y.md)',
    '# no heading',
    '```',
    '| [three](../up.md "title") | [four](#again) |',
    '## Again',
    '## Again',
    '## [linked](z.md)',
  ].join('\n')

  test('links are found with their lines, code left out', () => {
    expect(linksIn(text.replace('<a b.svg>', '<a.svg>'))).toEqual([
      { line: 2, target: 'other.md#part' },
      { line: 2, target: 'a.svg' },
      { line: 7, target: '../up.md' },
      { line: 7, target: '#again' },
      { line: 10, target: 'z.md' },
    ])
  })

  test('anchors are those of the host', () => {
    expect(anchorsIn(text)).toEqual(['a-title-of-two-parts-code--a--b', 'again', 'again-1', 'linked'])
  })

  test('a dead one is told by its line', () => {
    const page = 'docs/glossary.md'
    expect(deadLinks(page, '[a](nowhere.md)\n[b](../README.md)\n[c](#not-there)\n[d](../tools#x)')).toEqual([
      'line 1: there is no nowhere.md',
      'line 3: there is no heading for #not-there',
      'line 4: ../tools#x is no page',
    ])
    expect(deadLinks(page, '# Here\n[a](#here) [b](https://x.org/nothing) [c](methods.md)')).toEqual([])
  })
})
