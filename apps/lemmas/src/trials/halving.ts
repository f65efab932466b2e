import { softmaxBalance, uniformHalving } from '@sublinear/balance-kv'
import { matrix, type Matrix } from '@sublinear/core'
import { WALKS } from '../statements/halving.ts'
import type { Prepare } from '../statement.ts'
import { noise } from './noise.ts'

const [M, D, DV, DELTA] = [64, 4, 3, 0.1]
export const SCALE = 0.5

/** Trials of one walk each; tokens and query stay, since the theorem is about a query that is fixed before the walk. */
export const halving: Prepare = ({ walk, norm, claim }) => {
  const { block, query } = tokensOf(norm)
  const mode = WALKS[walk]
  const halvingOf = (seed: number) =>
    mode === 'uniform'
      ? uniformHalving({ seed })
      : softmaxBalance({ seed, sums: 'apart', ...(mode === 'theory' ? { mode, delta: DELTA } : { mode }) })
  const terms = Float64Array.from({ length: M }, (_, i) => Math.exp(SCALE * dot(query, rowOf(block.keys, i))))
  const constant = 30 * Math.log(M / DELTA)
  const longest = Math.max(
    ...Array.from(
      { length: M },
      (_, i) => Math.exp((SCALE * square(rowOf(block.keys, i))) / 2) * Math.sqrt(square(rowOf(block.values, i))),
    ),
  )
  const bound = Math.sqrt(DV) * constant * Math.exp((SCALE * square(query)) / 2) * longest
  return {
    facts: `c = ${constant.toFixed(0)}, d = ${D}, dv = ${DV}`,
    trial: (seed) => {
      const { kept, weights } = halvingOf(seed).halve(block, SCALE, 0)
      const moved = new Float64Array(DV)
      for (let i = 0; i < M; i++) for (let c = 0; c < DV; c++) moved[c] -= terms[i] * block.values.data[i * DV + c]
      for (const [at, i] of kept.entries())
        for (let c = 0; c < DV; c++) moved[c] += weights[at] * terms[i] * block.values.data[i * DV + c]
      return Math.sqrt(square(moved)) / (claim * bound)
    },
  }
}

/** Tokens and a query of a mean norm: what a walk is to balance, the same for every seed. */
export function tokensOf(norm: number): {
  readonly block: { keys: Matrix; values: Matrix }
  readonly query: Float32Array
} {
  const { normal } = noise(3)
  const rows = (count: number, cols: number, size: number) =>
    matrix(
      count,
      cols,
      Float32Array.from({ length: count * cols }, () => (size / Math.sqrt(cols)) * normal()),
    )
  const block = { keys: centred(rows(M, D, norm)), values: rows(M, DV, Math.sqrt(DV)) }
  const query = rows(1, D, norm).data
  return { block, query }
}

const rowOf = ({ cols, data }: Matrix, row: number) => data.subarray(row * cols, (row + 1) * cols)
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i], 0)
const square = (a: Float32Array | Float64Array) => (a as Float64Array).reduce((sum, x) => sum + x * x, 0)

/** Rows less their mean, as the theorem's block has them. */
function centred({ rows, cols, data }: Matrix): Matrix {
  const mean = Float64Array.from({ length: cols }, (_, c) => {
    let sum = 0
    for (let r = 0; r < rows; r++) sum += data[r * cols + c]
    return sum / rows
  })
  return matrix(
    rows,
    cols,
    data.map((x, i) => x - mean[i % cols]),
  )
}
