import { exactStream, quantised, tiers } from '@sublinear/attention'
import { boardMethod } from '@sublinear/board'
import type { AttentionStream, Matrix, Method, Shape, StreamSpec, TierSpec } from '@sublinear/core'
import { h2o, snapKv, window } from '@sublinear/kv-cache'
import { LENGTHS, type Cell } from './cells.ts'
import { largestScores } from './largest-scores.ts'

const store = quantised({ keyBits: 6, valueBits: 4 })
/** Tokens by attention received, a quarter of them the latest. */
const attended = (count: number) => h2o({ count, recent: Math.floor(count / 4), store })
/** Inverse share of the bytes in which more than half of the tokens fit in so few bits. */
const SHARE_IN_BITS = 8

/**
 * Why does a model that drops tokens answer more than the exact one? Exact attention to each query's largest scores alone, exact attention with
 * larger scores, and half of the tokens in few bits, chosen as SnapKV does, or by attention received. Nothing here was chosen by the answers.
 */
export const droppingMethods: readonly Method[] = [
  own('largestHalf', (shape) => largestScores(shape, 1 / 2)),
  own('sharper', (shape) => sharper(exactStream(shape), 1.1)),
  own('snapKvHalfInBits', (shape, tokens) => inTiers(shape, [snapKv({ count: tokens / 2, store })])),
  own('h2oHalfInBits', (shape, tokens) => inTiers(shape, [attended(tokens / 2)])),
  own('h2oBesideWindow', (shape, tokens) =>
    inTiers(shape, [window({ count: 256, store }), attended(tokens / 2 - 256)]),
  ),
]

/** A stream of this experiment, whatever the budget: cells say what it holds. */
function own(name: string, make: (shape: Shape, tokens: number) => AttentionStream): Method {
  return boardMethod({
    name,
    learns: 'queries',
    make: (shape, _budgetBytes, tokens) => make(shape, tokens),
  }) as Method
}

/** The bounded model at the longest length; the share is that of the bytes where the method has one. */
export const droppingCells = (): Cell[] =>
  droppingMethods.map(({ name: method }) => ({
    model: 'bounded',
    method,
    share: method === 'largestHalf' || method === 'sharper' ? 1 : SHARE_IN_BITS,
    tokens: LENGTHS.at(-1)!,
    asks: 'needles',
  }))

/** The same stream, asked with queries so many times as long: every score is that many times as large. */
function sharper(stream: AttentionStream, times: number): AttentionStream {
  const longer = (queries: Matrix) => ({ ...queries, data: queries.data.map((x) => times * x) })
  return {
    ...stream,
    get tokens() {
      return stream.tokens
    },
    get bytes() {
      return stream.bytes
    },
    attend: (queries) => stream.attend(longer(queries)),
    step: (block, queries) => stream.step(block, longer(queries)),
  }
}

const inTiers = (shape: Shape, parts: readonly [...TierSpec[], StreamSpec]) => tiers({ ...shape, parts, buffer: 16 })
