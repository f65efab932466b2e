// Tables are what the results say. Kills: a table edited by hand, a group chosen by another start, a miss shown as a pass, old rows kept.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { SuiteResult } from '../src/results.ts'
import { readmes, withTables } from '../src/tables.ts'

describe('tables', () => {
  test.each(readmes())('%s says what the results say: `node tools/bench/src/tables.ts`', (path) => {
    const text = readFileSync(path, 'utf8')
    expect(withTables(text)).toBe(text)
  })

  const result: SuiteResult = {
    suite: 'kernels',
    command: 'the command',
    date: '2026-01-02',
    commit: 'abc',
    node: 'v24',
    cpu: 'a cpu',
    kernels: 'simd',
    peak: { median: 44, p25: 40.04, p75: 45 },
    targets: [{ id: 'x', claim: 'a claim', bound: '≥ 2', measured: 1.5, verdict: 'MISS' }],
    groups: [
      {
        name: 'exp',
        unit: 'ns/entry',
        rounds: 9,
        cases: [
          { name: 'slow', calls: 1, median: 12.345, p25: 12, p75: 13 },
          { name: 'fast', calls: 4, median: 3, p25: 2, p75: 4, ratios: { slow: { median: 4.115, p25: 4, p75: 5 } } },
        ],
      },
      { name: 'other', unit: 'ms', rounds: 9, cases: [] },
    ],
  }
  const fill = (marker: string) => withTables(`a\n<!-- bench:${marker} -->\nold\n<!-- /bench -->\nb`, () => result)

  test('hold the cases, their spread and their ratios, chosen by the start of the group name', () => {
    const text = fill('kernels exp')
    expect(text).toContain('| exp | slow | 12.3 ns/entry | 12 … 13 |  |')
    expect(text).toContain('|  | fast | 3 ns/entry | 2 … 4 | 4.12× slow |')
    expect(text).toContain(
      '9 rounds on a cpu, register peak 44 GF (40 … 45), Node v24, simd kernels, commit abc, 2026-01-02: `the command`.',
    )
    expect(text).not.toContain('old')
    expect(fill('kernels')).toContain('slow')
    expect(withTables(text, () => result)).toBe(text)
  })

  test('show misses as plainly as passes', () => {
    expect(fill('summary')).toContain('| a claim | ≥ 2 | 1.5 | MISS | a cpu |')
  })

  test('say so when nothing was measured, and refuse what does not exist', () => {
    const text = '<!-- bench:kernels -->\n<!-- /bench -->'
    expect(withTables(text, () => undefined)).toContain('Not measured yet')
    expect(() => fill('nothing')).toThrow('the suite nothing')
    expect(() => fill('kernels nothing')).toThrow('there are none')
  })
})
