// The table of needles beside onnxruntime's own bounded cache is what the committed result says, and the result has every question. Kills: a number changed by
// hand in the page, a contestant left out, a prompt that was not counted.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readRecalls, recallTable, withRecall } from '../src/windowed-recall.ts'

const page = readFileSync(new URL('../../../docs/your-model.md', import.meta.url), 'utf8')

test('the page has the table of the result', () => {
  const result = readRecalls()
  expect(withRecall(page, result)).toBe(page)
  expect(page).toContain(recallTable(result))
})

test('every contestant was asked every question', () => {
  const { trials, depths, recalls } = readRecalls()
  expect(recalls.map(({ by }) => by)).toEqual([
    expect.stringContaining('exact'),
    expect.stringContaining('sliding_window_cache'),
    expect.stringContaining('window'),
    expect.stringContaining('auto'),
  ])
  for (const { right } of recalls) {
    expect(right).toHaveLength(depths.length)
    for (const own of right) expect(own >= 0 && own <= trials).toBe(true)
  }
})
