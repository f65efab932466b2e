// What should be kept, against the committed results. Kills: results that this code did not write, a section or picture edited by hand, tokens that
// come without their queries (attended tokens are then the newest), tiers in another order than said.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readHeads, sample } from '../kit/captures.ts'
import { resultOf, textResultsOf, withAnswer, pageText } from '../kit/experiment.ts'
import { meanOf, ofHead, selections } from '../selections/ask.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the section and the picture say what the results say', () => {
  const result = resultOf(selections)
  expect(withAnswer(pageText(selections), selections, result)).toBe(pageText(selections))
  expect(selections.picture?.(result)).toBe(read('../selections/picture.svg'))
})

test('the committed results are what this code finds, on one head of the sample', () => {
  const [head] = readHeads(sample('sharp'))
  for (const selection of ['h2o 6/4', 'h2o 8/6, farKeys 4/3']) {
    const { later, causal } = ofHead(head, 32, selection)
    const row = resultOf(selections).rows.find(
      (one) => one.model === 'sharp' && one.share === 32 && one.selection === selection,
    )!
    expect(later / row.errors[0].later, selection).toBeCloseTo(1, 3)
    expect(causal / row.errors[0].causal, selection).toBeCloseTo(1, 3)
  }
})

test.each(textResultsOf(selections))(
  'tokens of h2o before far keys: what the README of adviser says, over $text',
  ({ result }) => {
    const [front, far, attended] = ['h2o 8/6, farKeys 4/3', 'farKeys 5/3', 'h2o 6/4'].map((one) =>
      meanOf(result, 'sharp', one, 32),
    ) as [ReturnType<typeof meanOf>, ReturnType<typeof meanOf>, ReturnType<typeof meanOf>]
    expect(front.causal).toBeLessThan(0.6 * far.causal)
    expect(front.causal).toBeLessThan(1.05 * attended.causal)
    expect(front.later).toBeLessThan(0.9 * attended.later)
    expect(front.later).toBeLessThan(1.1 * far.later)
  },
)
