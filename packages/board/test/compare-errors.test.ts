// compare: the errors of the equal-bytes board against a float64 oracle written out here.
// Kills: ‖softmax‖₂ without its root, ‖V‖_F or max ‖v‖ over the prefix only, groups paired with other tokens.
import { describe, expect, test } from 'vitest'
import { rowsOf } from '@sublinear/core'
import { exactMethod } from '@sublinear/exact-attention'
import { compare } from '../src'
import { answering, methodsOf, only } from './known-answers'
import { d, dv, groups, head, lastValue, n, prefix, scale } from './known-head'

const MUCH = 1_000_000

/** Softmax weights of a query over the tokens up to `token`, in float64. */
function weightsOf(row: number, token: number): number[] {
  const scores = Array.from({ length: token + 1 }, (_, j) => {
    let s = 0
    for (let c = 0; c < d; c++) s += head.queries.data[row * d + c] * head.keys.data[j * d + c]
    return Math.exp(scale * s)
  })
  const mass = scores.reduce((a, b) => a + b, 0)
  return scores.map((e) => e / mass)
}

const value = (t: number, c: number) => head.values.data[t * dv + c]
const over = (all: number[]) => ({ mean: all.reduce((a, b) => a + b, 0) / all.length, worst: Math.max(...all) })

/** The three units for answers that are a function of the token, straight from their definitions. */
function oracle(answer: (token: number) => readonly number[]) {
  let [distance, norm] = [0, 0]
  const [softmax, relativeToValue]: [number[], number[]] = [[], []]
  for (let row = prefix * groups; row < n * groups; row++) {
    const token = Math.floor(row / groups)
    const weights = weightsOf(row, token)
    let [off, frobenius, largest] = [0, 0, 0]
    for (let c = 0; c < dv; c++) {
      const exact = weights.reduce((sum, w, t) => sum + w * value(t, c), 0)
      off += (answer(token)[c] - exact) ** 2
      norm += exact ** 2
    }
    for (let t = 0; t <= token; t++) {
      let squared = 0
      for (let c = 0; c < dv; c++) squared += value(t, c) ** 2
      frobenius += squared
      largest = Math.max(largest, squared)
    }
    distance += off
    softmax.push(Math.sqrt(off / (weights.reduce((sum, w) => sum + w * w, 0) * frobenius)))
    relativeToValue.push(Math.sqrt(off / largest))
  }
  return { relative: Math.sqrt(distance / norm), softmax: over(softmax), value: over(relativeToValue) }
}

/** The same numbers to a relative 2e-5: exact answers come from float32 kernels. */
function expectErrors(got: unknown, want: ReturnType<typeof oracle>) {
  const flat = (errors: ReturnType<typeof oracle>) => [
    errors.relative,
    ...[errors.softmax, errors.value].flatMap(({ mean, worst }) => [mean, worst]),
  ]
  const wanted = flat(want)
  for (const [i, x] of flat(got as ReturnType<typeof oracle>).entries())
    expect(Math.abs(x / wanted[i] - 1)).toBeLessThan(2e-5)
}

const meanValue = (token: number) =>
  Array.from({ length: dv }, (_, c) => {
    let total = 0
    for (let t = 0; t <= token; t++) total += head.values.data[t * dv + c]
    return total / (token + 1)
  })

describe('errors', () => {
  test.each([1, 7, 64])('all three units equal the float64 oracle, in blocks of %d', async (block) => {
    const methods = [...methodsOf({ last: answering(lastValue) }), exactMethod]
    const board = await compare({ heads: [head], methods, budgets: [MUCH], prefix, block })
    const [last, exact] = board.heads[0].budgets[0].cells
    expectErrors(last.errors, oracle(lastValue))
    expect(exact.errors!.relative).toBeLessThan(1e-6)
    expectErrors(
      board.heads[0].zero,
      oracle(() => [0, 0]),
    )
    expectErrors(board.heads[0].uniform, oracle(meanValue))
    expect(board.heads[0].zero.relative).toBe(1)
    expect(board.heads[0].budgets[0].sample.relative).toBeLessThan(1e-6) // a sample of everything
  })

  test('only the tokens asked for are looked at', async () => {
    const part = {
      ...head,
      queries: rowsOf(head.queries, 0, groups * 80),
      keys: rowsOf(head.keys, 0, 80),
      values: rowsOf(head.values, 0, 80),
    }
    const options = { methods: methodsOf({ last: answering(lastValue) }), budgets: [MUCH], prefix, queries: 10 }
    const [whole, cut] = [await compare({ heads: [head], ...options }), await compare({ heads: [part], ...options })]
    expect(only(whole)).toEqual(only(cut))
  })
})
