// What takes the rest behind far keys, against the committed results. Kills: results that this code did not write, a section or picture edited by
// hand, bytes over the share, values in a bit less (0.99 of the error of the mean token), the worst bits for the best, a halving that wins where nobody
// said so.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readHeads, sample } from '../kit/captures.ts'
import { resultOf, textResultsOf, withAnswer, pageText } from '../kit/experiment.ts'
import { chosen, ofHead, rests } from '../what-takes-the-rest/ask.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const results = [resultOf(rests), ...textResultsOf(rests).map(({ result }) => result)]

test('the section and the picture say what the results say', () => {
  const result = resultOf(rests)
  expect(withAnswer(pageText(rests), rests, result)).toBe(pageText(rests))
  expect(rests.picture?.(result)).toBe(read('../what-takes-the-rest/picture.svg'))
})

test('the committed results are what this code finds, on one head of the sample', { timeout: 60_000 }, () => {
  const [head] = readHeads(sample('sharp'))
  for (const [rest, { error }] of Object.entries(ofHead(head, 32, ['mean', 'closure']))) {
    const row = resultOf(rests).rows.find((one) => one.model === 'sharp' && one.share === 32 && one.rest === rest)!
    expect(error / row.errors[0], rest).toBeCloseTo(1, 3)
  }
})

test('halvings and moments never gain more than a hundredth of the error over a mean, a closure and clusters', () => {
  for (const result of results) {
    for (const { share, bytes } of result.rows) expect(bytes).toBeLessThanOrEqual((3584 * 256) / share)
    for (const model of ['bounded', 'sharp']) {
      for (const share of [7, 16, 32]) {
        const { times, known, withHalving, withMoments } = chosen(result, model, share)
        expect(Object.values(times).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(result.heads)
        expect(withHalving).toBeGreaterThan(0.99 * known)
        expect(withMoments).toBeGreaterThan(0.99 * known)
      }
    }
  }
})
