import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// PAPERS.md and the tests named after statements say the same. Kills: a verdict without a test, a test without a row.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const verdicts = ['holds', 'holds with a repaired constant', 'vacuous', 'false as written', 'not yet']

/** The rows of the statement tables: statement, package, test, constant, errata, verdict. */
const rows = readFileSync(`${root}PAPERS.md`, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

/** Each row's test file; "same file" is the one above it. */
let above = ''
const files = rows.map(
  ([, , cell]) => (above = /^`(.+)`$/.exec(cell ?? '')?.[1] ?? (cell === 'same file' ? above : '')),
)

describe('PAPERS.md', () => {
  test('has six cells a row and known verdicts', () => {
    expect(rows.length).toBeGreaterThan(30)
    for (const row of rows) {
      expect(row.length, row[0]).toBe(6)
      expect(verdicts, row[0]).toContain(row[5])
    }
  })

  test('has a test file behind every verdict', () => {
    const untested = rows.filter(([, , , , , verdict], i) => {
      return verdict !== 'not yet' && !(files[i] && existsSync(`${root}packages/${files[i]}`))
    })
    expect(untested.map(([statement]) => statement)).toEqual([])
  })

  test('has a row for every test named after a statement', () => {
    const named = globSync('*/test/{definition,lemma,theorem,corollary,algorithm,figure}-*.test.ts', {
      cwd: `${root}packages`,
    })
    expect(named.map((file) => file.replaceAll('\\', '/')).filter((file) => !files.includes(file))).toEqual([])
  })

  test('names files and experiments that exist', () => {
    const text = readFileSync(`${root}PAPERS.md`, 'utf8')
    const said = text.split('\n').filter((line) => !line.endsWith('| not yet |'))
    const paths = said.flatMap((line) => [
      ...Array.from(line.matchAll(/`([\w./-]+\.(?:ts|py|json|svg|mjs))`/g), ([, path]) => path),
      ...Array.from(line.matchAll(/\]\(([^)#]+)\)/g), ([, path]) => path),
    ])
    expect(paths.length).toBeGreaterThan(25)
    const places = ['', 'packages/', 'packages/poly-features/test/'] // from the root, as tests are named, and one fixture
    expect(paths.filter((path) => !places.some((place) => existsSync(root + place + path)))).toEqual([])
    const { scripts } = JSON.parse(readFileSync(`${root}tools/experiments/package.json`, 'utf8'))
    const experiments = Array.from(text.matchAll(/`tools\/experiments`, ([a-z0-9-]+)\)/g), ([, name]) => name)
    expect(experiments.length).toBeGreaterThan(1)
    for (const name of experiments) expect(Object.keys(scripts)).toContain(name)
  })
})
