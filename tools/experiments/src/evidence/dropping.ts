import {
  exactStream,
  h2o,
  quantised,
  snapKv,
  tiers,
  window,
  type AttentionStream,
  type Matrix,
  type ModelStream,
  type Shape,
  type StreamSpec,
  type TierSpec,
} from '@sublinear/attention'
import { LENGTHS, type Cell } from './cells.ts'
import { largestScores } from './largest-scores.ts'

const store = quantised({ keyBits: 6, valueBits: 4 })
/** Of them a quarter the latest. */
const attended = (count: number) => h2o({ count, recent: Math.floor(count / 4), store })
/** Of the bytes, more than half of the tokens take in so many bits. */
const SHARE_IN_BITS = 8

/**
 * Why does a model that drops tokens answer more than the exact one? Exact attention to each query's largest scores alone, exact attention with
 * larger scores, and half of the tokens in few bits, chosen as SnapKV does, or by attention received. Nothing here was chosen by the answers.
 */
export const droppingMethods: Readonly<Record<string, ModelStream>> = {
  largestHalf: (model) => () => largestScores(model, 1 / 2),
  sharper: (model) => () => sharper(exactStream(model), 1.1),
  snapKvHalfInBits: (model) => () => inTiers(model, [snapKv({ count: model.tokens / 2, store })]),
  attendedHalfInBits: (model) => () => inTiers(model, [attended(model.tokens / 2)]),
  attendedBesideWindow: (model) => () =>
    inTiers(model, [window({ count: 256, store }), attended(model.tokens / 2 - 256)]),
}

/** The bounded model at the longest length; the share is that of the bytes where the method has one. */
export const droppingCells = (): Cell[] =>
  Object.keys(droppingMethods).map((method) => ({
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

const inTiers = (shape: Shape, parts: readonly [...TierSpec[], StreamSpec]) =>
  tiers({ ...shapeOf(shape), parts, buffer: 16 })

const shapeOf = ({ d, dv, scale }: Shape): Shape => ({ d, dv, scale })
