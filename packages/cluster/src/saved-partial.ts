import { decodeSnapshot, encodeSnapshot, isFloat32, isFloat64, type Matrix, type PartialSoftmax } from '@sublinear/core'

const PARTIAL = 'partial-softmax'
const QUERIES = 'queries'

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
  const { tensors } = decodeSnapshot(bytes, { kind: PARTIAL, version: '1' })
  const [max, mass, sum] = ['max', 'mass', 'sum'].map((name) => tensors.get(name))
  const [rows, cols] = sum?.shape ?? []
  if (!(isFloat32(max?.data) && isFloat64(mass?.data) && isFloat32(sum?.data) && sum.shape.length === 2))
    throw new RangeError('askAll: these are no partial answers')
  if (max.data.length !== rows || mass.data.length !== rows)
    throw new RangeError('askAll: max, mass and sum differ in rows')
  return { max: max.data, mass: mass.data, sum: { rows, cols, data: sum.data } }
}

/** Encodes query rows. */
export function queryBytes({ rows, cols, data }: Matrix): Uint8Array {
  const tensors = { queries: { dtype: 'F32' as const, shape: [rows, cols], data } }
  return encodeSnapshot({ kind: QUERIES, version: '1', parameters: {}, tensors })
}

/** Decodes query rows. @throws RangeError when the bytes are damaged or no queries */
export function queriesOf(bytes: Uint8Array): Matrix {
  const { tensors } = decodeSnapshot(bytes, { kind: QUERIES, version: '1' })
  const queries = tensors.get('queries')
  if (!isFloat32(queries?.data) || queries.shape.length !== 2) throw new RangeError('askAll: these are no queries')
  return { rows: queries.shape[0], cols: queries.shape[1], data: queries.data }
}
