import { rowsOf, type KvBlock, type Matrix } from '@sublinear/core'
import { part } from '../src/token-data'
import { mutant, type Mutant } from './mutant'
import { restoreReference } from './reference-stream'

const rowsBut = ({ keys, values, weights }: KvBlock, last: number): KvBlock =>
  part({ keys, values, ...(weights && { weights }) }, 0, Math.max(0, keys.rows - last))
const without = ({ keys, values }: KvBlock): KvBlock => ({ keys, values })

/** Mistakes in what is taken and answered. */
export const streamMutants: readonly Mutant[] = [
  mutant('forgets the last token of a long block', 'where a block ends', (good) => ({
    push: (block) => good.push(rowsBut(block, block.keys.rows > 64 ? 1 : 0)),
  })),
  mutant('averages what came in one block', 'where a block ends', (good) => ({
    push(block) {
      good.push(block)
      const { rows, cols } = block.values
      for (let i = 0; i < rows * cols; i++) {
        const at = good.held.values.length - rows * cols
        if (i >= cols) good.held.values[at + i] = good.held.values[at + (i % cols)]
      }
    },
  })),
  mutant('an empty block counts as a token', 'where a block ends', (good) => ({
    push: (block) =>
      good.push(
        block.keys.rows > 0
          ? block
          : {
              keys: { rows: 1, cols: 3, data: new Float32Array(3) },
              values: { rows: 1, cols: 2, data: new Float32Array(2) },
            },
      ),
  })),
  mutant('step answers before it pushes', 'token by token', (good) => ({
    step(block, queries) {
      const answer = good.attend(queries)
      good.step(block, queries)
      return answer
    },
  })),
  mutant('step takes rows for tokens', 'token by token', (good) => ({
    step(block, queries) {
      const copy = restoreReference(good.toBytes())
      good.step(block, queries)
      const n = block.keys.rows
      const answers = Array.from({ length: queries.rows }, (_, r) => {
        copy.push(part(block, Math.min(r, n), Math.min(r + 1, n)))
        return copy.attend(rowsOf(queries, r, r + 1))
      })
      return {
        max: Float32Array.from(answers.flatMap(({ max }) => [...max])),
        mass: Float64Array.from(answers.flatMap(({ mass }) => [...mass])),
        sum: { rows: queries.rows, cols: 2, data: Float32Array.from(answers.flatMap(({ sum }) => [...sum.data])) },
      }
    },
  })),
  mutant('step drops weights', 'token by token', (good) => ({
    step: (block, queries) => good.step(block.weights?.length === block.keys.rows ? without(block) : block, queries),
  })),
  mutant('step sees all of its block', 'later tokens', (good) => ({
    step(block, queries) {
      good.step(block, queries)
      return good.attend(queries)
    },
  })),
  mutant('attend learns', 'attend changes nothing', (good) => ({
    attend(queries) {
      const answer = good.attend(queries)
      if (good.held.weights.length > 0 && queries.rows > 0) good.held.weights[0] *= 1.5
      return answer
    },
  })),
  mutant('attend answers into one array', 'attend changes nothing', (good) => {
    const shared = new Map<number, Float32Array>()
    return {
      attend(queries) {
        const answer = good.attend(queries)
        const data = shared.get(answer.sum.data.length) ?? answer.sum.data
        shared.set(data.length, data)
        data.set(answer.sum.data)
        answer.sum.data.fill(data === answer.sum.data ? 1 : 0)
        return { ...answer, sum: { ...answer.sum, data } }
      },
    }
  }),
  mutant('keeps the caller’s keys until the next push', 'stay apart', (good) => {
    let last: KvBlock | undefined
    const settle = () => {
      if (last)
        good.held.keys.splice(good.held.keys.length - last.keys.data.length, last.keys.data.length, ...last.keys.data)
    }
    return {
      push(block) {
        settle()
        good.push(block)
        last = block
      },
      toBytes() {
        settle()
        return good.toBytes()
      },
    }
  }),
  mutant('a step reads its keys again at the next call', 'may be overwritten', (good) => {
    let last: KvBlock | undefined
    return {
      step(block, queries) {
        if (last)
          good.held.keys.splice(good.held.keys.length - last.keys.data.length, last.keys.data.length, ...last.keys.data)
        last = block
        return good.step(block, queries)
      },
      push(block) {
        last = undefined
        good.push(block)
      },
    }
  }),
  mutant('learns from the queries of the step before', 'may be overwritten', (good) => {
    let last: Matrix | undefined
    return {
      step(block, queries) {
        if (last && last.rows > 0 && good.held.values.length > 0) good.held.values[0] += last.data[0]
        last = queries
        return good.step(block, queries)
      },
    }
  }),
  mutant('a step answers into scratch', 'stay as they were', (good) => {
    const scratch = { max: new Float32Array(1024), mass: new Float64Array(1024), sum: new Float32Array(2048) }
    return {
      step(block, queries) {
        const { max, mass, sum } = good.step(block, queries)
        scratch.max.set(max)
        scratch.mass.set(mass)
        scratch.sum.set(sum.data)
        return {
          max: scratch.max.subarray(0, max.length),
          mass: scratch.mass.subarray(0, mass.length),
          sum: { ...sum, data: scratch.sum.subarray(0, sum.data.length) },
        }
      },
    }
  }),
  mutant('takes another scale', 'exact attention', (good) => ({
    attend: (queries) => good.attend({ ...queries, data: queries.data.map((x) => 2 * x) }),
  })),
  mutant('counts every token twice in the mass', 'exact attention', (good) => ({
    step(block, queries) {
      const answer = good.step(block, queries)
      return {
        ...answer,
        mass: answer.mass.map((x) => 2 * x),
        sum: { ...answer.sum, data: answer.sum.data.map((x) => 2 * x) },
      }
    },
  })),
  mutant('divides by one token too many', 'constant values', (good) => ({
    attend(queries) {
      const answer = good.attend(queries)
      return { ...answer, mass: answer.mass.map((x) => x && x + 1) }
    },
  })),
  mutant('hands out a negative mass', 'mass is never negative', (good) => ({
    attend(queries) {
      const answer = good.attend(queries)
      return {
        ...answer,
        mass: answer.mass.map((x) => -x),
        sum: { ...answer.sum, data: answer.sum.data.map((x) => -x) },
      }
    },
  })),
  mutant('overflows', 'mass is never negative', (good) => ({
    attend(queries) {
      const answer = good.attend(queries)
      return {
        ...answer,
        mass: answer.mass.map((x, r) => x * Math.exp(answer.max[r])),
        max: answer.max.map((x) => Math.min(x, 0)),
      }
    },
  })),
  mutant('ignores weights', 'weight w is w copies', (good) => ({
    push: (block) => good.push(block.weights?.length === block.keys.rows ? without(block) : block),
  })),
]
