// compare: the uniform sample beside the contestants, against its law.
// Kills: a reservoir that never takes later tokens (z = -23) or half as often as it should (z = -12). A reservoir that is off by one token
// in 64 passes: it is a reference, and that moves it by less than its spread.
import { expect, test } from 'vitest'
import { compare } from '../src'
import { answering, methodsOf } from './known-answers'
import { rows } from './known-head'

// One token held of 64, scores all 0: the answer is 1 if the token is of the last quarter, else 0, and the truth is 1/4. So the error is 3
// with probability 1/4, else 1: mean 1.5, deviation 0.866 a trial; 1600 trials, |z| < 5: a false alarm in 1.7 million.
// Misses: later tokens taken half as often 4e-18 (mean 1.25, deviation 0.66; normal).
test('a uniform sample holds every token with the same probability', async () => {
  const zeros = rows(64, 1, 1)
  zeros.data.fill(0)
  const values = { ...zeros, data: Float32Array.from({ length: 64 }, (_, t) => (t >= 48 ? 1 : 0)) }
  const one = { name: 'quarter', queries: zeros, keys: zeros, values, scale: 1 }
  for (const start of [40, 52]) {
    let total = 0
    for (let seed = 0; seed < 400; seed++) {
      const options = {
        heads: [{ ...one }],
        budgets: [8],
        methods: methodsOf({ last: answering(() => [0, 0]) }),
        seed,
      }
      const board = await compare({ ...options, prefix: 63, queries: 1, block: start })
      total += board.heads[0].budgets[0].sample.relative
    }
    expect(Math.abs((total / 400 - 1.5) / (0.866 / 40))).toBeLessThan(5)
  }
  // The reservoir after it has gone on: at the last of 24 judged queries the law is the same.
  let hits = 0
  for (let seed = 0; seed < 400; seed++) {
    const board = await compare({
      heads: [{ ...one, values: { ...zeros, data: Float32Array.from({ length: 64 }, (_, t) => (t === 63 ? 1 : 0)) } }],
      budgets: [4 * 2 * 16],
      methods: methodsOf({ last: answering(() => [0, 0]) }),
      prefix: 40,
      queries: 24,
      seed,
    })
    // Truth 0 until the last query, then 1/64; a sample of 16 that holds the last token answers 1/16 there.
    hits += board.heads[0].budgets[0].sample.value.worst
  }
  // worst = |1/16 − 1/64| when held (1 in 4), else 1/64: mean 1/64 + (2/64)/4; deviation (2/64)·0.433 a trial.
  expect(Math.abs((hits / 400 - 1.5 / 64) / ((2 / 64) * (0.433 / 40)))).toBeLessThan(5)
})
