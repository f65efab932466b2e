import type { CodeKernels } from '../code-kernels'
import { codesAt, codeScore, headerAt, roundedQuery } from './code-rows'
import { bytes, floats } from './operands'
import { addScored } from './shares'

export const addCodeShares: CodeKernels['addShares'] = (out, { keys, ...block }) => {
  const { rows, d, cols, scale } = block
  const { codes, offset, stride, bits } = keys
  const [data, queries] = [bytes(codes), floats(block.queries)]
  const row = new Int32Array(d)
  const rounded = Array.from({ length: rows }, (_, r) => roundedQuery(queries, r * d, d, scale, bits))
  const scores = new Float32Array(rows * cols)
  for (let j = 0; j < cols; j++) {
    const at = offset + j * stride
    codesAt(data, at + 2, bits, d, row)
    for (const [r, query] of rounded.entries()) scores[r * cols + j] = codeScore(query, row, headerAt(data, at), bits)
  }
  addScored(out, block, scores, 1)
}
