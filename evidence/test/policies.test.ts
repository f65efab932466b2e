// Policies alone on captured heads against their committed results, and autoStream against them. Kills: results that this code did not write,
// tables and pictures edited by hand, bytes over the share, a policy that learns from queries and was only pushed to (h2o then errs 0.61 of what it
// does), another seed (balanceKv: 1.03), a best that is not the least, a claim that a column does not bear out.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { contests } from '../auto-board/against-policies.ts'
import { autoBoard } from '../auto-board/ask.ts'
import { readHeads, sample } from '../kit/captures.ts'
import { resultOf, textResultsOf, withAnswer, pageText } from '../kit/experiment.ts'
import { meanError, ofHead, policies } from '../policies/ask.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the section and the picture say what the results say', () => {
  const result = resultOf(policies)
  expect(withAnswer(pageText(policies), policies, result)).toBe(pageText(policies))
  expect(policies.picture?.(result)).toBe(read('../policies/picture.svg'))
})

test('the committed results are what this code finds, on one head of the sample', { timeout: 60_000 }, () => {
  const [head] = readHeads(sample('bounded'))
  const found = ofHead(head, 32, 0, ['window', 'h2o', 'snapKv', 'clusters', 'balanceKv', 'momentCoreset'])
  for (const [method, { error, bytes }] of Object.entries(found)) {
    const row = resultOf(policies).rows.find(
      (one) => one.model === 'bounded' && one.share === 32 && one.method === method,
    )!
    expect(error! / row.errors[0]!, method).toBeCloseTo(1, 3)
    expect(bytes).toBeLessThanOrEqual(row.bytes)
  }
})

test('on every text all policies are there, at every share, on all 16 heads, within their bytes', () => {
  const found = textResultsOf(policies)
  expect(found.map(({ text }) => text)).toEqual(expect.arrayContaining(['persuasion', 'romans']))
  for (const { result } of found) {
    const methods = new Set(result.rows.map(({ method }) => method))
    expect(result.rows).toHaveLength(methods.size * 2 * 4)
    for (const { method, share, bytes, errors } of result.rows) {
      expect(errors).toHaveLength(16)
      if (method !== 'pyramidKv') expect(bytes).toBeLessThanOrEqual((3584 * 256) / share)
    }
    for (const method of [
      'streamingLlm',
      'h2o',
      'tova',
      'snapKv',
      'pyramidKv',
      'balanceKv',
      'momentCoreset',
      'clusters',
    ])
      expect(methods).toContain(method)
  }
})

test('every token in few bits is beaten by no policy where it fits', () => {
  for (const { result } of textResultsOf(policies)) {
    for (const every of result.rows.filter(({ method }) => method === 'every token, best bits')) {
      const error = meanError(every)
      if (error === undefined) continue
      for (const row of result.rows.filter(({ model, share }) => model === every.model && share === every.share))
        expect(meanError(row), row.method).toBeGreaterThanOrEqual(error)
    }
  }
})

test('autoStream by a recipe errs less than every policy alone; asked later only, no more than all tokens in the best bits of each head', () => {
  const boards = textResultsOf(autoBoard)
  expect(boards.length).toBeGreaterThan(1)
  const lost: string[] = []
  for (const { text, result } of boards) {
    const single = textResultsOf(policies).find((one) => one.text === text)!.result
    const found = contests(result.rows, single)
    expect(found).toHaveLength(2 * 4)
    for (const { model, share, policy, every, ours } of found) {
      for (const name of ['own first 2048', 'another text', 'own, asked later only']) {
        const { error } = ours.find(({ method }) => method === name)!
        expect(error, `${model} 1/${share}, ${policy.method}`).toBeLessThan(policy.error)
      }
      const { error } = ours.find(({ method }) => method === 'own, asked later only')!
      if (every && error > every.error) lost.push(`${text}, ${model}, 1/${share}`)
    }
  }
  expect(lost).toEqual([]) // these bits are chosen with hindsight, head by head
})
