import { emptyPartial, type Matrix } from '@sublinear/core'
import { divideRows, type ExactAttention } from '@sublinear/exact-attention'

/** The job of plain attention, as peers do it too: matrices of queries, keys and values, a scale, and whether it is causal. */
export type PlainJob = Pick<ExactAttention, 'queries' | 'keys' | 'scale' | 'causal'> & { readonly values: Matrix }
import { scalarAttentionKernels } from '@sublinear/kernels'

/** Exact attention through the scalar kernels: fused, tiled 16 × 64, plain JavaScript. */
export function scalarAttention({ queries, keys, values, scale, causal = false }: PlainJob): Matrix {
  const { max, mass, sum } = emptyPartial(queries.rows, values.cols)
  scalarAttentionKernels.attend({
    queries: queries.data,
    keys: keys.data,
    values: values.data,
    rows: queries.rows,
    keyCount: keys.rows,
    d: keys.cols,
    dv: values.cols,
    scale,
    ...(causal && { causal: { visible: 1, groups: 1 } }),
    max,
    mass,
    sum: sum.data,
  })
  divideRows(sum.data, mass, values.cols)
  return sum
}
