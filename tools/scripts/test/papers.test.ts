import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { clicks, faults, linked, rowsOf } from '../papers.mjs'

// PAPERS.md, the code and the tests named after statements say the same. Kills: a verdict without a test, a test without a row, a link to a file that
// was moved, to code that the row's test does not touch, to a test where code should stand, to a section that is gone.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = readFileSync(`${root}PAPERS.md`, 'utf8')
const verdicts = [
  'holds',
  'holds with a repaired constant',
  'vacuous',
  'false as written',
  'measured',
  'derived',
  'not yet',
]
const rows = rowsOf(page)

describe('PAPERS.md', () => {
  test('leads from every statement to code, test and evidence that belong together', () => {
    expect(faults(page, root)).toEqual([])
    expect(rows.length).toBeGreaterThan(40)
  })

  test.each(rows.map((row) => [/\[(.*?)\]/.exec(row.statement)![1], row] as const))(
    '%s: three clicks from its name to its code, its test and what was measured',
    (_, row) => {
      expect(clicks(row, root)).toEqual([])
    },
  )

  test('has known verdicts', () => {
    for (const { statement, verdict } of rows) expect(verdicts, statement).toContain(verdict)
  })

  test('has a row for every test named after a statement', () => {
    const named = globSync('packages/*/test/{definition,lemma,theorem,corollary,algorithm,figure}-*.test.ts', {
      cwd: root,
    }).map((file) => file.replaceAll('\\', '/'))
    const tests = new Set(rows.flatMap((row) => linked(row.test)))
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((file) => !tests.has(file))).toEqual([])
  })

  test('names files that exist', () => {
    const text = [
      page,
      ...globSync('docs/papers/*.md', { cwd: root }).map((path) => readFileSync(root + path, 'utf8')),
    ].join('\n')
    const paths = Array.from(text.matchAll(/`([\w./-]+\.(?:ts|py|json|svg|mjs))`/g), ([, path]) => path)
    expect(paths.length).toBeGreaterThan(0)
    const places = ['', 'packages/', 'packages/poly-features/test/'] // from the root, as tests are named, and one fixture
    expect(paths.filter((path) => !places.some((place) => existsSync(root + place + path)))).toEqual([])
  })
})

test('a click that leads nowhere is told', () => {
  const good = rows.find(({ code, test: tried }) => code.includes('](') && tried.includes(']('))!
  expect(clicks({ ...good, statement: '**[X](docs/papers/one-pass.md#nothing)**' }, root)).toEqual([
    'the first click leads to no section',
  ])
  expect(clicks({ ...good, code: '[x](PAPERS.md)' }, root)).toEqual(['the section does not lead to PAPERS.md'])
})

describe('a row that leads nowhere is told', () => {
  const good = rows.find(({ statement }) => statement.startsWith('**[Algorithm 1]'))!
  const rowWith = (change: Partial<typeof good>) => {
    const { statement, verdict, code, test: tried, evidence } = { ...good, ...change }
    return `| ${[statement, verdict, code, tried, evidence].join(' | ')} |`
  }
  const CODE = 'packages/streaming-attention/src/one-pass.ts'

  test('the row itself passes', () => {
    expect(faults(rowWith({}), root)).toEqual([])
  })

  test.each([
    [{ code: '[x](packages/streaming-attention/src/gone.ts)' }, 'there is no packages/streaming-attention/src/gone.ts'],
    [{ code: '–' }, 'a verdict without code or test'],
    [{ test: '–' }, 'a verdict without code or test'],
    [{ test: `[x](${CODE})` }, `${CODE} is no test`],
    [{ code: '[x](PAPERS.md)' }, 'PAPERS.md is no code'],
    [{ code: '[x](packages/kv-cache/src/tiers.ts)' }, 'names nothing of packages/kv-cache/src/tiers.ts'],
    [{ evidence: '[x](docs/one-pass.md#nothing)' }, 'there is no heading for docs/one-pass.md#nothing'],
    [{ verdict: 'holds | more' }, '6 cells, not 5'],
    [{ verdict: 'vacuous' }, 'its section has another verdict'],
    [{ statement: '**Algorithm 1** Read V' }, 'leads to no section'],
    [{ statement: '**[Algorithm 1](docs/papers/one-pass.md#algorithm-9)** Read V' }, 'leads to no section'],
  ] as const)('%j', (change, words) => {
    expect(faults(rowWith(change), root).join('\n')).toContain(words)
  })
})
