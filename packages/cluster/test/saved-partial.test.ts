// Queries as they travel between machines: bytes of another shape are refused. Kills: a shape without columns, whose empty rows pass every count.
import { encodeSnapshot } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { queriesOf, queryBytes } from '../src/saved-partial'

const bytesOf = (shape: number[]) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  return encodeSnapshot({
    kind: 'queries',
    version: '1',
    parameters: {},
    tensors: { queries: { dtype: 'F32', shape, data } },
  })
}

describe('queries', () => {
  it('come back as they were, none as well', () => {
    for (const [rows, cols] of [
      [2, 3],
      [0, 3],
    ]) {
      const queries = { rows, cols, data: Float32Array.from({ length: rows * cols }, (_, i) => i) }
      expect(queriesOf(queryBytes(queries))).toEqual(queries)
    }
  })
  it.each([[[0]], [[]], [[4]]])('of shape %j are refused', (shape) => {
    expect(() => queriesOf(bytesOf(shape))).toThrow('askAll: a tensor must be rows × columns')
  })
})
