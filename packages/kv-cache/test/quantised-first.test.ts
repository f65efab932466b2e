// A quantised stream of few tokens fits the bytes of their codes. Kills: 256 tokens held exactly first whatever comes (over the budget), a snapshot
// that forgets when coding begins (the reopened stream then differs), bytes of the record below those of the stream.
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { quantisedMethod, restoreQuantisedStream } from '../src'

const shape = { d: 8, dv: 8, scale: 1 }
const block = (rows: number, seed: number) => ({ keys: random(rows, 8, seed), values: random(rows, 8, seed + 1) })

test.each([60, 100, 255, 400, 2000])('%i tokens in a quarter of their float32 bytes', (tokens) => {
  const budget = tokens * 16
  const options = quantisedMethod.within(shape, budget, { tokens })!
  const stream = quantisedMethod.make(shape, options)
  let peak = 0
  let reopened = stream
  for (let at = 0; at < tokens; at++) {
    stream.push(block(1, at))
    if (reopened !== stream) reopened.push(block(1, at))
    if (at === 10) reopened = restoreQuantisedStream(stream.toBytes())
    peak = Math.max(peak, stream.bytes)
  }
  expect(peak).toBeLessThanOrEqual(budget)
  expect(peak).toBeLessThanOrEqual(quantisedMethod.bytes(shape, options, { tokens }))
  expect(peak).toBeGreaterThan(0.6 * budget)
  expect(reopened.toBytes()).toEqual(stream.toBytes())
})

test('a long one holds as many as before', () => {
  expect(quantisedMethod.within(shape, 2 ** 20, { tokens: 20_000 })).toEqual({ keyBits: 8, valueBits: 8, buffer: 64 })
})
