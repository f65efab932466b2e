// The list of faults against the sources, and its tables against the list; that tests find the faults, `node tools/mutants/run.mjs` says. Kills: a fault whose text is gone or
// stands twice, one that changes nothing, a test that is gone, a claim without a ground, a page made by hand.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { MUTANTS } from '../mutants.mjs'
import { PAGE, withTables } from '../tables.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test.each(MUTANTS.map((mutant) => [mutant.id, mutant] as const))('%s is a change of one place', (_, mutant) => {
  const { file, from, to, tests, kind, why } = mutant
  expect(readFileSync(`${root}${file}`, 'utf8').split(from).length).toBe(2)
  expect(to).not.toBe(from)
  for (const path of tests) expect(existsSync(`${root}${path}`)).toBe(true)
  expect(kind === 'none' ? why : tests.length).toBeTruthy()
})

test('the list has the faults of the audit and more, each once, and the page says what it says', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(55)
  expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length)
  const page = readFileSync(PAGE, 'utf8')
  expect(withTables(page)).toBe(page)
})
