// compare on heads that cap their scores and have sinks: errors against a float64 oracle written out here.
// Kills: a cap or a sink that is left out of the truth, a sink of another query of its token, a sink that counts in ‖softmax‖₂, caps not doubled with
// doubled scores, a method that cannot run all the same, or fails in silence, a sample whose sink weighs as beside all tokens.
import { describe, expect, test } from 'vitest'
import { exactMethod } from '@sublinear/exact-attention'
import { boardMeans, boardMethod, compare } from '../src'
import { answering, only } from './known-answers'
import { d, dv, groups, head, lastValue, n, prefix, rows, scale } from './known-head'

const MUCH = 1_000_000
const [softcap, sinkLogit] = [0.8, [1.5, -0.5]]
const capped = { ...head, softcap, sinkLogit }
const last = (can?: readonly ('softcap' | 'sinkLogit')[]) =>
  boardMethod({ name: 'last', make: answering(lastValue), can })

const run = (more: object) => compare({ heads: [{ ...head, ...more }], methods: [exactMethod], budgets: [99], prefix })

/** Weights of the tokens up to `token`, in float64: what is missing to 1 is the sink's. */
function weightsOf(row: number, token: number): number[] {
  const shares = Array.from({ length: token + 1 }, (_, j) => {
    let s = 0
    for (let c = 0; c < d; c++) s += scale * head.queries.data[row * d + c] * head.keys.data[j * d + c]
    return Math.exp(softcap * Math.tanh(s / softcap))
  })
  const mass = shares.reduce((a, b) => a + b, Math.exp(sinkLogit[row % groups]))
  return shares.map((e) => e / mass)
}

const value = (t: number, c: number) => head.values.data[t * dv + c]

/** The relative error and the mean over ‖softmax‖₂‖V‖_F of answers that are a function of the token. */
function oracle(answer: (token: number) => readonly number[]): [number, number] {
  let [distance, norm, softmax] = [0, 0, 0]
  for (let row = prefix * groups; row < n * groups; row++) {
    const token = Math.floor(row / groups)
    const weights = weightsOf(row, token)
    let [off, frobenius] = [0, 0]
    for (let c = 0; c < dv; c++) {
      const exact = weights.reduce((sum, w, t) => sum + w * value(t, c), 0)
      off += (answer(token)[c] - exact) ** 2
      norm += exact ** 2
    }
    for (let t = 0; t <= token; t++) for (let c = 0; c < dv; c++) frobenius += value(t, c) ** 2
    distance += off
    softmax += Math.sqrt(off / (weights.reduce((sum, w) => sum + w * w, 0) * frobenius))
  }
  return [Math.sqrt(distance / norm), softmax / ((n - prefix) * groups)]
}

describe('a head with a cap and sinks', () => {
  test.each([1, 7, 64])('is judged by its own softmax, in blocks of %d', async (block) => {
    const methods = [last(['softcap', 'sinkLogit']), exactMethod]
    const board = await compare({ heads: [capped], methods, budgets: [MUCH], prefix, block })
    const [own, exact] = board.heads[0].budgets[0].cells
    const [relative, softmax] = oracle(lastValue)
    expect(own.errors!.relative / relative).toBeCloseTo(1, 4)
    expect(own.errors!.softmax.mean / softmax).toBeCloseTo(1, 4)
    expect(board.heads[0].zero.softmax.mean / oracle(() => [0, 0])[1]).toBeCloseTo(1, 4)
    expect(exact.errors!.relative).toBeLessThan(1e-6)
    expect(board.heads[0].budgets[0].sample.relative).toBeLessThan(1e-6) // a sample of everything
    expect(board.heads[0]).toMatchObject({ softcap, sinkLogit })
  })

  test('refuses methods that cannot do it, by name, and asks the others', async () => {
    let asked = 0
    const proud = boardMethod({ name: 'proud', make: () => void asked++ })
    const methods = [proud, last(['softcap']), exactMethod]
    const board = await compare({ heads: [capped], methods, budgets: [MUCH], prefix })
    expect(board.heads[0].budgets[0].cells.slice(0, 2)).toEqual([
      { stream: 'proud', outcome: 'cannot', why: 'cannot do softcap and sinkLogit' },
      { stream: 'last', outcome: 'cannot', why: 'cannot do sinkLogit' },
    ])
    expect(boardMeans(board)[0].streams.map(({ outcome }) => outcome)).toEqual(['cannot', 'cannot', 'within'])
    expect(asked).toBe(0)
  })

  test('must have a cap above 0, and a sink for each of its queries', async () => {
    await expect(run({ softcap: 0 })).rejects.toThrow('softcap')
    await expect(run({ sinkLogit: [1, 2, 3] })).rejects.toThrow('one for each of the 2 queries of a token, got 3')
    await expect(run({ sinkLogit: Number.NaN })).rejects.toThrow('sinkLogit')
  })
})

// One token held of 64, scores all 0, and a sink of log 64: the answer is 1/2 if the token is of the last quarter, else 0, and the truth is 1/8. So the
// error is 3 with probability 1/4, else 1: mean 1.5, deviation 0.866 a trial; 1600 trials, |z| < 5: a false alarm in 1.7 million.
// Misses: a sink that weighs as beside all tokens below 1e-9, since its error is then 0.88 or 1, always.
test('a sample has so much less of the sink beside it', async () => {
  const zeros = { ...rows(64, 1, 1), data: new Float32Array(64) }
  const values = { ...zeros, data: Float32Array.from({ length: 64 }, (_, t) => (t >= 48 ? 1 : 0)) }
  const one = { name: 'quarter', queries: zeros, keys: zeros, values, scale: 1, sinkLogit: Math.log(64) }
  let total = 0
  for (let seed = 0; seed < 400; seed++) {
    const board = await compare({ heads: [one], budgets: [8], methods: [last()], seed, prefix: 63, queries: 1 })
    expect(only(board).outcome).toBe('cannot')
    total += board.heads[0].budgets[0].sample.relative
  }
  expect(Math.abs((total / 400 - 1.5) / (0.866 / 40))).toBeLessThan(5)
})
