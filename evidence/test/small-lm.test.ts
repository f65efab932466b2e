// The committed figures of the language models against the training framework's, and one cell measured again.
// Kills: figures typed by hand, windows or prompts that changed since.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LENGTHS, measureCell, TRAINED, type Cell } from '../small-lm/ask.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const cells = JSON.parse(read('../small-lm/result.json')) as Cell[]

test('bits per byte are within 0.01 of those in training, recall within 0.08', () => {
  expect(cells.length).toBe(18)
  for (const { model, measure, tokens, value } of cells) {
    const trained = TRAINED[model][measure][LENGTHS.indexOf(tokens)]
    expect(Math.abs(value - trained), `${model}, ${measure}, ${tokens}`).toBeLessThan(
      measure === 'one needle' ? 0.08 : 0.01,
    )
  }
})

test('a cell measured again is the committed one', () => {
  const committed = cells.find((one) => one.model === 'bounded' && one.measure === 'romans' && one.tokens === 4096)!
  expect(measureCell('bounded', 'romans', 4096).value).toBeCloseTo(committed.value, 3)
})
