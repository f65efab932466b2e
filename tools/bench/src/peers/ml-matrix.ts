import { Matrix } from 'ml-matrix'
import type { PlainJob } from '../baselines/attention.ts'

/** Attention as one writes it with ml-matrix, in float64: two products around a softmax of rows; where it is causal, entries of later keys become −∞ first. */
export function mlMatrixAttention(job: PlainJob): () => Float32Array {
  const [queries, keys, values] = [job.queries, job.keys, job.values].map(({ rows, cols, data }) =>
    Matrix.from1DArray(rows, cols, data),
  )
  return () => {
    const scores = queries.mmul(keys.transpose()).mul(job.scale)
    if (job.causal) {
      for (let r = 0; r < scores.rows; r++) for (let c = r + 1; c < scores.columns; c++) scores.set(r, c, -Infinity)
    }
    const weights = scores.subColumnVector(scores.max('row')).exp()
    return Float32Array.from(weights.divColumnVector(weights.sum('row')).mmul(values).to1DArray())
  }
}
