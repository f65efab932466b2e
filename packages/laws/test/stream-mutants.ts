import {
  encodeSnapshot,
  decodeSnapshot,
  rowsOf,
  type AttentionStream,
  type KvBlock,
  type Matrix,
} from '@sublinear/core'
import { part } from '../src/token-data'
import { referenceStream, restoreReference, type ReferenceStream } from './reference-stream'

const shape = { d: 3, dv: 2, scale: 0.5 }

export interface Mutant {
  readonly mistake: string
  /** Part of the name of the law that must reject it. */
  readonly law: string
  readonly make: () => AttentionStream
  readonly restore?: (bytes: Uint8Array) => AttentionStream
}

/** The reference stream with some members replaced. */
function broken(
  change: (good: ReferenceStream) => Partial<AttentionStream>,
  good = referenceStream(shape),
): AttentionStream {
  const changes = change(good)
  return new Proxy<AttentionStream>(good, {
    get: (target, name) => Reflect.get(Object.hasOwn(changes, name) ? changes : target, name),
  })
}

const mutant = (mistake: string, law: string, change: (good: ReferenceStream) => Partial<AttentionStream>): Mutant => ({
  mistake,
  law,
  make: () => broken(change),
  restore: (bytes) => broken(change, restoreReference(bytes)),
})

const rowsBut = ({ keys, values, weights }: KvBlock, last: number): KvBlock =>
  part({ keys, values, ...(weights && { weights }) }, 0, Math.max(0, keys.rows - last))
const zeros = (m: Matrix): Matrix => ({ ...m, data: new Float32Array(m.data.length) })
const without = ({ keys, values }: KvBlock): KvBlock => ({ keys, values })

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
        if (i >= cols) good.held.values[at + i] = good.held.values[at + (i % cols)]!
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
      if (good.held.weights.length > 0 && queries.rows > 0) good.held.weights[0]! *= 1.5
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
        if (last && last.rows > 0 && good.held.values.length > 0) good.held.values[0]! += last.data[0]!
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
        mass: answer.mass.map((x, r) => x * Math.exp(answer.max[r]!)),
        max: answer.max.map((x) => Math.min(x, 0)),
      }
    },
  })),
  mutant('ignores weights', 'weight w is w copies', (good) => ({
    push: (block) => good.push(block.weights?.length === block.keys.rows ? without(block) : block),
  })),
  mutant('under-reports bytes', 'bytes covers', (good) => ({
    get bytes() {
      return Math.floor(good.bytes * 0.99)
    },
  })),
  {
    ...mutant('the snapshot loses what is behind the last multiple of 64', 'resumes bit for bit', () => ({})),
    restore(bytes) {
      const good = restoreReference(bytes)
      const kept = Math.floor(good.tokens / 64) * 64
      const cut = referenceStream(shape)
      const { keys, values, weights } = good.held
      Object.assign(cut.held, {
        keys: keys.slice(0, kept * 3),
        values: values.slice(0, kept * 2),
        weights: weights.slice(0, kept),
      })
      return cut
    },
  },
  {
    ...mutant('restores values that are rounded', 'resumes bit for bit', () => ({})),
    restore(bytes) {
      const good = restoreReference(bytes)
      good.held.values.splice(0, Infinity, ...good.held.values.map((x) => Math.round(x * 1024) / 1024))
      return good
    },
  },
  {
    ...mutant('restores damaged bytes', 'damaged snapshot', () => ({})),
    restore(bytes) {
      try {
        return restoreReference(bytes)
      } catch {
        return referenceStream(shape)
      }
    },
  },
  mutant('merge loses the partner’s last tokens', 'merged parts', (good) => ({
    merge(later) {
      const before = good.held.weights.length
      good.merge(later)
      const lost = (good.held.weights.length - before) % 64
      if (lost === 0) return
      good.held.keys.splice(-3 * lost)
      good.held.values.splice(-2 * lost)
      good.held.weights.splice(-lost)
    },
  })),
  mutant('merge loses weights', 'merged parts', (good) => ({
    merge(later) {
      good.merge(later)
      good.held.weights.fill(1)
    },
  })),
  mutant('merge empties its partner', 'merged parts', (good) => ({
    merge(later) {
      good.merge(later)
      if (later === good) return
      for (const list of Object.values((later as ReferenceStream).held) as number[][]) list.length = 0
    },
  })),
  mutant('merge ignores scale', 'merge refuses', (good) => ({
    merge(later) {
      const scaled = {
        get: (of: AttentionStream, name: string | symbol) => (name === 'scale' ? 0.5 : Reflect.get(of, name)),
      }
      good.merge(later?.merging === 'linear' ? new Proxy(later, scaled) : later)
    },
  })),
  mutant('merge takes half before it refuses', 'merge refuses', (good) => ({
    merge(later) {
      if (later?.dv === 3) good.held.weights.fill(2)
      good.merge(later)
    },
  })),
  mutant('accepts NaN', 'broken call', (good) => ({
    push: (block) =>
      good.push(
        block?.values?.data instanceof Float32Array && block.values.data.some(Number.isNaN)
          ? { ...block, values: zeros(block.values) }
          : block,
      ),
  })),
  mutant('accepts weights of zero', 'broken call', (good) => ({
    push: (block) =>
      good.push(block?.weights instanceof Float32Array && block.weights.includes(0) ? without(block) : block),
  })),
  mutant('pushes before it looks at the queries', 'broken call', (good) => ({
    step(block, queries) {
      good.push(block)
      const { keys, values, weights } = good.held
      const n = block.keys.rows
      keys.splice(keys.length - n * 3)
      values.splice(values.length - n * 2)
      const own = weights.splice(weights.length - n)
      try {
        return good.step(block, queries)
      } catch (error) {
        weights.push(...own)
        keys.push(...block.keys.data)
        values.push(...block.values.data)
        throw error
      }
    },
  })),
  mutant('throws plain errors', 'broken call', (good) => ({
    attend(queries) {
      if (queries?.cols !== 3) throw new Error('bad queries')
      return good.attend(queries)
    },
  })),
  {
    ...mutant('a snapshot of another kind', 'resumes bit for bit', () => ({})),
    make: () =>
      broken((good) => ({
        toBytes() {
          const { parameters, tensors } = decodeSnapshot(good.toBytes())
          return encodeSnapshot({ kind: 'other', version: '1', parameters, tensors: Object.fromEntries(tensors) })
        },
      })),
  },
]
