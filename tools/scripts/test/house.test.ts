import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { missesIn, testsOfChance } from '../chance.mjs'

// The rules of CONTRIBUTING that no other check holds. Kills: a drawer for odds and ends, a file of two ideas, logic in an index, a test that says nothing of what it
// is for, a test of chance without its rates, randomness that is no function of a seed, a rule without a check, a check that does not exist.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const find = (pattern: string) =>
  globSync(pattern, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\/(node_modules|dist|generated|\.generated)\//.test(path))
    .toSorted()
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const withoutComments = (text: string) => text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')

const sources = find('packages/*/src/**/*.ts')
const tests = [...find('{packages,apps,tools}/*/test/**/*.test.ts'), ...find('evidence/test/*.test.ts')]

describe('files', () => {
  test('there are many, so that no pattern is empty', () => {
    expect(sources.length).toBeGreaterThan(250)
    expect(tests.length).toBeGreaterThan(200)
  })

  test('of packages have at most 300 lines', () => {
    const long = sources.map((path) => [path, read(path).trimEnd().split('\n').length] as const)
    expect(long.filter(([, lines]) => lines > 300)).toEqual([])
  })

  test('are named after an idea', () => {
    const drawers = find('{packages,apps,tools,evidence}/**/*').filter((path) =>
      /\/(utils?|common|misc|helpers?)(\.\w+|\/|$)/.test(path),
    )
    expect(drawers).toEqual([])
  })

  test('src/index.ts re-exports and does nothing else', () => {
    const doing = find('packages/*/src/index.ts').filter((path) =>
      /\S/.test(
        withoutComments(read(path)).replaceAll(
          /^(?:export (?:type )?(?:\{[^}]*\}|\*(?: as \w+)?) from '[^']+'|import (?:type )?\{[^}]*\} from '[^']+'|export (?:type )?\{[^}]*\}|export const \w+ = \{[^}]*\}(?: as const)?);?$/gm,
          '',
        ),
      ),
    )
    expect(doing).toEqual([])
  })
})

test.each(tests)('%s says which faults it must kill', (path) => {
  expect(read(path)).toMatch(/\bKills\b/)
})

describe('a test of chance', () => {
  const chancy = testsOfChance(root)

  test('is known by its bounds', () => expect(chancy.length).toBeGreaterThan(30))

  test.each(chancy)(
    '$path states how often a right program fails it, and how often a named fault passes',
    ({ comments }) => {
      expect(comments).toMatch(/\bfalse[ -]alarms?\b/i)
      expect(missesIn(comments)).not.toEqual([])
      for (const miss of missesIn(comments)) expect(miss).toMatch(/\d|\balways\b|\bnever\b/)
    },
  )

  test('without a rate is found', () => {
    expect(missesIn('Kills: half the variance. False alarm: 1e-6.')).toEqual([])
    expect(missesIn('Misses: half the variance 0.02 (it covers 0.83).')).toEqual([
      'half the variance 0.02 (it covers 0.83)',
    ])
    expect(missesIn('Kills: half the variance (miss rate 0).')).toEqual(['0)'])
  })
})

test('randomness is a function of a seed: no package asks for another', () => {
  // By a clock; no answer depends on how long.
  const waits =
    /packages\/(threads\/src\/(channel|spread-layer)|cluster\/src\/(broker-laws|compute-thread|fault-trial|in-process))\.ts$/
  const clocks = sources.filter(
    (path) =>
      !waits.test(path) &&
      /\bMath\.random\b|\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bgetRandomValues\b/.test(
        withoutComments(read(path)),
      ),
  )
  expect(clocks).toEqual([])
  expect(tests.filter((path) => !path.endsWith('house.test.ts') && read(path).includes('Math.random('))).toEqual([])
})

test('every rule of CONTRIBUTING names its check, which exists', () => {
  const rules = read('CONTRIBUTING.md')
    .split('## Rules, and their checks')[1]
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|rule )/.test(line))
  expect(rules.length).toBeGreaterThan(15)
  for (const rule of rules) {
    const held = rule.split('|').at(-2)!
    const paths = Array.from(held.matchAll(/`([\w./-]+\.(?:ts|mjs|json))`/g), ([, path]) => path)
    expect(paths.length + Array.from(held.matchAll(/`(?:oxlint|oxfmt|tsc)`/g)).length, rule).toBeGreaterThan(0)
    for (const path of paths) expect([path, globSync(path, { cwd: root }).length]).toEqual([path, 1])
  }
})
