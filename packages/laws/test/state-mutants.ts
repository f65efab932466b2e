import {
  decodeSnapshot,
  encodeSnapshot,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type Snapshot,
} from '@sublinear/core'
import { broken, mutant, type Mutant } from './mutant'
import { referenceStream, restoreReference, type ReferenceStream } from './reference-stream'

const shape = { d: 3, dv: 2, scale: 0.5 }
const zeros = (m: Matrix): Matrix => ({ ...m, data: new Float32Array(m.data.length) })
const without = ({ keys, values }: KvBlock): KvBlock => ({ keys, values })

/** The partner of a merge with another snapshot, where it has one that can be read. */
function changed(later: Pick<AttentionStream, 'toBytes'>, change: (snapshot: Snapshot) => Partial<Snapshot>) {
  let snapshot: Snapshot
  try {
    snapshot = decodeSnapshot(later.toBytes())
  } catch {
    return later
  }
  const { tensors, ...rest } = { ...snapshot, ...change(snapshot) }
  return { toBytes: () => encodeSnapshot({ ...rest, tensors: Object.fromEntries(tensors) }) }
}

/** Mistakes in what is held, saved, merged and refused. */
export const stateMutants: readonly Mutant[] = [
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
      good.merge(changed(later, ({ parameters }) => ({ parameters: { ...parameters, scale: '0.5' } })))
    },
  })),
  mutant('merge takes half before it refuses', 'merge refuses', (good) => ({
    merge(later) {
      if ((later as Partial<AttentionStream> | undefined)?.dv === 3) good.held.weights.fill(2)
      good.merge(later)
    },
  })),
  mutant('merge takes what an older version wrote', 'merge refuses', (good) => ({
    merge: (later) => good.merge(changed(later, ({ kind }) => (kind === 'reference' ? { version: '1' } : {}))),
  })),
  mutant('merge reads a member of its partner', 'merged parts', (good) => ({
    merge(later) {
      if (typeof later?.toBytes === 'function' && !(later as Partial<ReferenceStream>).held)
        throw new TypeError('reference: no held')
      good.merge(later)
    },
  })),
  mutant('check pushes', 'check refuses', (good) => ({
    check: { ...good.check!, push: (block) => good.push(block) },
  })),
  mutant('check lets queries through that step refuses', 'check refuses', (good) => ({
    check: { ...good.check!, step: (block) => good.check!.push(block) },
  })),
  mutant('step refuses what is too much, and check does not say so', 'check refuses', (good) => ({
    step(block, queries) {
      if (good.tokens >= 64) throw new RangeError('reference: block must have room')
      return good.step(block, queries)
    },
  })),
  mutant('check asks for the class of its partner', 'check refuses', (good) => ({
    check: {
      ...good.check!,
      merge(later) {
        if (!(later as Partial<ReferenceStream>)?.held) throw new TypeError('reference: cannot merge a foreign stream')
      },
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
