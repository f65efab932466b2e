// The committed board, one cell of it run again, and what its table says. Kills: a committed figure that the code no longer gives, a mean over
// heads without a result, a best that is not the smallest, a share of another cache.
import { catalogue } from '@sublinear/attention'
import { expect, test } from 'vitest'
import { equalBytes, modelBoard } from '../board/ask.ts'
import { readHeads, sample } from '../kit/captures.ts'
import { fullResultOf, resultOf } from '../kit/experiment.ts'
import { methodsNamed } from '../kit/methods-named.ts'

test('one head and two methods of the committed result, run again', { timeout: 120_000 }, async () => {
  const committed = resultOf(equalBytes).models.find(({ model }) => model === 'bounded')!
  const [head] = readHeads(sample('bounded'))
  const again = await modelBoard('bounded', [head], methodsNamed('streamingLlm', 'farClosure'), ['1/16'])
  expect(again.uniform[0] / committed.uniform[0]).toBeCloseTo(1, 3)
  expect(again.sample[0][0] / committed.sample[2][0]).toBeCloseTo(1, 3)
  for (const row of again.rows) {
    const before = committed.rows.find(({ stream, budget }) => stream === row.stream && budget === '1/16')!
    expect(row.errors[0]! / before.errors[0]!).toBeCloseTo(1, 3)
    expect(row.bytes).toBeLessThanOrEqual(again.budgetBytes[0])
  }
})

test('every stream of the committed results is a method of the catalogue, within its bytes', () => {
  for (const result of [resultOf(equalBytes), fullResultOf(equalBytes)]) {
    for (const { rows, heads, budgetBytes, cacheBytes } of result?.models ?? []) {
      expect(cacheBytes).toBe(4 * 3584 * 64)
      expect(budgetBytes).toEqual([4, 7, 16, 32].map((share) => Math.floor(cacheBytes / share)))
      for (const { stream } of rows) expect(catalogue.map(({ name }) => name)).toContain(stream)
      for (const { bytes, budget, errors } of rows) {
        expect(errors).toHaveLength(heads.length)
        if (bytes !== null)
          expect(bytes).toBeLessThanOrEqual(budgetBytes[['1/4', '1/7', '1/16', '1/32'].indexOf(budget)])
      }
    }
  }
})

test('the table has the means, marks the smallest, and leaves out what has no result', () => {
  const text = equalBytes.answer({
    node: 'v0',
    models: [
      {
        model: 'two',
        heads: ['0.0', '0.1'],
        cacheBytes: 1600,
        budgetBytes: [400],
        uniform: [0.5, 0.7],
        sample: [[1, 2]],
        rows: [
          { stream: 'a', budget: '1/4', bytes: 400, errors: [0.1, 0.3] },
          { stream: 'b', budget: '1/4', bytes: 300, errors: [0.2, 0.4] },
          { stream: 'c', budget: '1/4', bytes: 300, errors: [0.0, null] },
        ],
      },
    ],
  })
  for (const row of [
    '| a | **0.200** |',
    '| b | 0.300 |',
    '| c | – |',
    '| uniform sample | 1.500 |',
    '| mean of V | 0.600 |',
  ])
    expect(text).toContain(row)
  expect(text).toContain('| *the best of each head* | 0.150 |') // 0 on the first, 0.3 on the second
})
