import {
  exactStream,
  quantised,
  snapKv,
  tiers,
  type AttentionStream,
  type Matrix,
  type ModelStream,
  type Shape,
} from '@sublinear/attention'
import { LENGTHS, type Cell } from './cells.ts'
import { largestScores } from './largest-scores.ts'

/**
 * Why does a model that drops tokens answer more than the exact one? Exact attention to each query's largest scores alone, exact attention with
 * larger scores, and SnapKV's half of the tokens in few bits. Nothing here was chosen by the answers.
 */
export const droppingMethods: Readonly<Record<string, ModelStream>> = {
  largestHalf: (model) => () => largestScores(model, 1 / 2),
  sharper: (model) => () => sharper(exactStream(model), 1.1),
  snapKvHalfInBits: (model) => () => {
    const store = quantised({ keyBits: 6, valueBits: 4 })
    return tiers({ ...shapeOf(model), parts: [snapKv({ count: model.tokens / 2, store })], buffer: 16 })
  },
}

/** The bounded model at the longest length; the share is that of the bytes where the method has one. */
export const droppingCells = (): Cell[] =>
  Object.keys(droppingMethods).map((method) => ({
    model: 'bounded',
    method,
    share: method === 'snapKvHalfInBits' ? 8 : 1,
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

const shapeOf = ({ d, dv, scale }: Shape): Shape => ({ d, dv, scale })
