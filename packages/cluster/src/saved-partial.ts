import {
  decodeSnapshot,
  encodeSnapshot,
  FINITE,
  NOT_NEGATIVE,
  readBy,
  schema,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'

const PARTIAL = 'partial-softmax'
const QUERIES = 'queries'

/** Answers of a part, as they travel. */
export const partialSchema = schema(
  {
    kind: PARTIAL,
    version: '1',
    tensors: {
      max: { type: 'F32', least: -Infinity, most: FINITE.most },
      mass: { type: 'F64', like: 'max', ...NOT_NEGATIVE },
      sum: { type: 'F32', ...FINITE },
    },
  },
  {
    '`sum` (rows × dv) has as many rows as `max` has entries.': ({ tensors: { max } }, { rows }) => max.length === rows,
  },
)

/** Queries, as they travel: rows × d. */
export const queriesSchema = schema({
  kind: QUERIES,
  version: '1',
  tensors: { queries: { type: 'F32', ...FINITE } },
})

/** Encodes a partial softmax. */
export function partialBytes({ max, mass, sum }: PartialSoftmax): Uint8Array {
  const { rows, cols, data } = sum
  const tensors = {
    mass: { dtype: 'F64' as const, shape: [rows], data: mass },
    max: { dtype: 'F32' as const, shape: [rows], data: max },
    sum: { dtype: 'F32' as const, shape: [rows, cols], data },
  }
  return encodeSnapshot({ kind: PARTIAL, version: '1', parameters: {}, tensors })
}

/** Decodes a partial softmax. @throws RangeError when the bytes are damaged or no partial softmax */
export function partialOf(bytes: Uint8Array): PartialSoftmax {
  const snapshot = decodeSnapshot(bytes, { kind: PARTIAL, version: '1' })
  const [rows = -1, cols = -1] = snapshot.tensors.get('sum')?.shape ?? []
  const { max, mass, sum } = readBy('askAll', partialSchema, snapshot, { rows }).tensors
  return { max, mass, sum: matrixOf(rows, cols, sum) }
}

/** Encodes query rows. */
export function queryBytes({ rows, cols, data }: Matrix): Uint8Array {
  const tensors = { queries: { dtype: 'F32' as const, shape: [rows, cols], data } }
  return encodeSnapshot({ kind: QUERIES, version: '1', parameters: {}, tensors })
}

/** Decodes query rows. @throws RangeError when the bytes are damaged or no queries */
export function queriesOf(bytes: Uint8Array): Matrix {
  const snapshot = decodeSnapshot(bytes, { kind: QUERIES, version: '1' })
  const [rows = -1, cols = -1] = snapshot.tensors.get('queries')?.shape ?? []
  return matrixOf(rows, cols, readBy('askAll', queriesSchema, snapshot).tensors.queries)
}

function matrixOf(rows: number, cols: number, data: Float32Array): Matrix {
  if (rows < 0 || cols < 0 || rows * cols !== data.length)
    throw new RangeError('askAll: a tensor must be rows × columns')
  return { rows, cols, data }
}
