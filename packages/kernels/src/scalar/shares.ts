import type { Kernels, PackedRows } from '../kernels'
import { seenBy } from '../rounded-query'
import { codesAt, codeScore, headerAt, roundedQuery } from './code-rows'
import { bytes, floats } from './operands'
import { product } from './product'

export const addShares: Kernels['addShares'] = (out, block) => {
  const { queries, keys, max, mass, rows, d, cols, scale, causal } = block
  const bias = block.bias && floats(block.bias)
  const scores = new Float32Array(rows * cols)
  if ('codes' in keys) codedScores(scores, floats(queries), keys, rows, d, cols, scale)
  else product('nt', scores, queries, keys, rows, d, cols)
  const unit = 'codes' in keys ? 1 : scale
  for (let r = 0; r < rows; r++) {
    if (!(mass[r] > 0)) continue
    const seen = seenBy(r, cols, causal)
    for (let j = 0; j < seen; j++) {
      const logit = unit * scores[r * cols + j] + (bias ? bias[j] : 0)
      out[j] += Math.exp(Math.min(0, logit - max[r])) / mass[r]
    }
  }
}

function codedScores(
  scores: Float32Array,
  queries: Float32Array,
  { codes, offset, stride, bits }: PackedRows,
  rows: number,
  d: number,
  cols: number,
  scale: number,
): void {
  const data = bytes(codes)
  const row = new Int32Array(d)
  const rounded = Array.from({ length: rows }, (_, r) => roundedQuery(queries, r * d, d, scale, bits))
  for (let j = 0; j < cols; j++) {
    const at = offset + j * stride
    codesAt(data, at + 2, bits, d, row)
    for (const [r, query] of rounded.entries()) scores[r * cols + j] = codeScore(query, row, headerAt(data, at), bits)
  }
}
