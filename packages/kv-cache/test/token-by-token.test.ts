// h2o with a buffer of 1 against the rule of its paper, token by token in float64.
// Kills: a token that leaves one step early or late, a sum that begins before the token came, recent tokens off by one, weights left out of the shares.
import { describe, expect, it } from 'vitest'
import { h2o, tiers } from '../src'
import { stepped, tokensOf } from './stepped'

const shape = { d: 3, dv: 2, scale: 0.8 }

/**
 * The answers of Zhang et al.'s Algorithm 1, in float64: one token comes and is seen, its query scores everything held, and with more than `count`
 * the one of the least sum among all but the `recent` last goes, before the next token comes.
 */
function oneByOne(count: number, recent: number, { block, queries }: ReturnType<typeof tokensOf>) {
  let kept: { place: number; received: number }[] = []
  const answers: number[] = []
  for (let i = 0; i < block.keys.rows; i++) {
    if (kept.length > count) {
      const among = kept.slice(0, kept.length - recent)
      const least = Math.min(...among.map(({ received }) => received))
      kept = kept.filter((one) => one !== among.find(({ received }) => received === least))
    }
    kept.push({ place: i, received: 0 })
    const scores = kept.map(({ place }) => {
      let product = 0
      for (let c = 0; c < 3; c++) product += queries.data[3 * i + c] * block.keys.data[3 * place + c]
      return Math.exp(shape.scale * product) * (block.weights?.[place] ?? 1)
    })
    const mass = scores.reduce((a, b) => a + b)
    for (const [k, one] of kept.entries()) one.received += scores[k] / mass
    for (let c = 0; c < 2; c++)
      answers.push(kept.reduce((sum, { place }, k) => sum + (scores[k] / mass) * block.values.data[2 * place + c], 0))
  }
  return answers
}

describe('h2o with a buffer of 1', () => {
  it.each([
    [40, undefined, false],
    [40, 5, true],
    [17, 0, true],
    [1, 1, false],
  ])('is the paper’s rule, token by token: %i held, %s recent, weighted %s', (count, recent, weighted) => {
    const data = tokensOf(200, 31 + count, 1, weighted)
    const own = { count, ...(recent !== undefined && { recent }) }
    const wanted = oneByOne(count, recent ?? Math.floor(count / 2), data)
    for (const cut of [[200], [1], [7, 30]]) {
      const stream = tiers({ ...shape, parts: [h2o(own)], buffer: 1 })
      const got = stepped(stream, data, 1, cut).filter((_, i) => i % 2 === 0)
      for (const [i, x] of got.entries()) expect([i, Math.abs(x - wanted[i]) < 1e-3]).toEqual([i, true])
      // The first values are places: beside 200 of them, 1e-3 is float32.
    }
  })
})
