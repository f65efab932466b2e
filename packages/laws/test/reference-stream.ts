import {
  checkBlock,
  checkMatrix,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  type AttentionStream,
  type Checks,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
} from '@sublinear/core'

export interface Held {
  keys: number[]
  values: number[]
  weights: number[]
}

/** An exact stream in float64, as plainly as it can be written: what the laws must accept, and what the mutants break. */
export interface ReferenceStream extends AttentionStream, Disposable {
  readonly held: Held
}

const tensor = (data: number[], ...shape: number[]) => ({
  dtype: 'F32' as const,
  shape,
  data: Float32Array.from(data),
})

export function referenceStream({ d, dv, scale }: Shape): ReferenceStream {
  const held: Held = { keys: [], values: [], weights: [] }
  const count = () => held.weights.length
  const parameters = { d: String(d), dv: String(dv), scale: String(scale) }
  const add = ({ keys, values, weights }: KvBlock) => {
    held.keys.push(...keys.data)
    held.values.push(...values.data)
    held.weights.push(...(weights ?? new Float32Array(keys.rows).fill(1)))
  }
  const answer = (queries: Matrix, visible: (row: number) => number): PartialSoftmax => {
    const out = emptyPartial(queries.rows, dv)
    const scores = new Float32Array(count())
    for (let r = 0; r < queries.rows; r++) {
      const seen = scores.subarray(0, visible(r))
      for (let j = 0; j < seen.length; j++) {
        let product = 0
        for (let c = 0; c < d; c++) product += queries.data[r * d + c] * held.keys[j * d + c]
        seen[j] = scale * product
      }
      if (seen.length === 0) continue
      out.max[r] = Math.max(...seen)
      const sum = new Float64Array(dv)
      for (let j = 0; j < seen.length; j++) {
        const share = held.weights[j] * Math.exp(seen[j] - out.max[r])
        out.mass[r] += share
        for (let c = 0; c < dv; c++) sum[c] += share * held.values[j * dv + c]
      }
      out.sum.data.set(sum, r * dv)
    }
    return out
  }
  const read: (later: Pick<AttentionStream, 'toBytes'>) => Held = (later) => {
    if (typeof later?.toBytes !== 'function') throw new TypeError('reference: cannot merge what is no stream')
    const bytes = later.toBytes()
    const { kind, version, parameters: theirs } = decodeSnapshot(bytes)
    if (kind !== 'reference') throw new TypeError('reference: cannot merge a foreign stream')
    requireSame('reference', { version: '1', ...parameters }, { version, ...theirs })
    return restoreReference(bytes).held
  }
  const check: Checks = {
    push: (block) => checkBlock('reference', block, d, dv),
    step(block, queries) {
      checkBlock('reference', block, d, dv)
      checkMatrix('reference', 'queries', queries, d)
      queryGroups('reference', block, queries)
    },
    merge: (later) => void read(later),
  }

  const stream: ReferenceStream = {
    d,
    dv,
    scale,
    held,
    merging: 'linear',
    check,
    get tokens() {
      return count()
    },
    get bytes() {
      return 4 * count() * (d + dv + 1)
    },
    push(block) {
      check.push(block)
      add(block)
    },
    attend(queries) {
      checkMatrix('reference', 'queries', queries, d)
      return answer(queries, count)
    },
    step(block, queries) {
      check.step(block, queries)
      const groups = queryGroups('reference', block, queries)
      const before = count()
      add(block)
      return answer(queries, (row) => before + Math.floor(row / groups) + 1)
    },
    merge(later) {
      const own = read(later)
      held.keys.push(...own.keys)
      held.values.push(...own.values)
      held.weights.push(...own.weights)
    },
    [Symbol.dispose]() {},
    toBytes() {
      return encodeSnapshot({
        kind: 'reference',
        version: '1',
        parameters,
        tensors: {
          keys: tensor(held.keys, count(), d),
          values: tensor(held.values, count(), dv),
          weights: tensor(held.weights, count()),
        },
      })
    },
    fork: () => restoreReference(stream.toBytes()),
    reset() {
      for (const side of ['keys', 'values', 'weights'] as const) held[side].length = 0
    },
  }
  return stream
}

export function restoreReference(bytes: Uint8Array): ReferenceStream {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: 'reference' })
  const [d, dv, scale] = ['d', 'dv', 'scale'].map((name) => Number(parameters[name])) as [number, number, number]
  const [keys, values, weights] = ['keys', 'values', 'weights'].map((name) => tensors.get(name)!.data as Float32Array)
  const rows = weights.length
  const stream = referenceStream({ d, dv, scale })
  if (rows > 0)
    stream.push({ keys: { rows, cols: d, data: keys }, values: { rows, cols: dv, data: values }, weights: weights })
  return stream
}
