import {
  exactAttention,
  matrix,
  onePass,
  osnap,
  sparseRecovery,
  taylorFeatures,
  type Matrix,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { sketchKernels } from '@sublinear/kernels'

const [N, ACTIVE, D, DV] = [2 ** 16, 64, 4, 4]
const SCALE = 0.25
const SEEDS = [1, 2, 3]

/** ε₁ and k of Φ, m₂ of Ψ. */
export type Cell = readonly [number, number, number]

export interface Sensitivity {
  readonly epsilon1: number
  readonly k: number
  readonly m2: number
  readonly bytes: number
  /** ‖T − Y‖_F/‖Y‖_F, root mean square over the seeds; answering 0 has 1. */
  readonly error: number
}

/** One parameter at a time about ε₁ = 0.5, k = 64, m₂ = 1024. */
export const CELLS: readonly Cell[] = [
  ...[64, 256, 1024, 4096, 16384].map((m2) => [0.5, 64, m2] as const),
  ...[8, 16, 32, 128].map((k) => [0.5, k, 1024] as const),
  ...[0.25, 1].map((epsilon1) => [epsilon1, 64, 1024] as const),
]

/** 64 active queries among 2^16, V centred: outputs are 64-sparse. */
export function activeQueries(cells: readonly Cell[]): Sensitivity[] {
  const { queries, keys, values, truth } = data()
  const features = taylorFeatures({ d: D, degree: 4, scale: SCALE })
  return cells.map(([epsilon1, k, m2]) => {
    let [square, bytes] = [0, 0]
    for (const seed of SEEDS) {
      const phi = sparseRecovery({ n: N, k, epsilon: epsilon1, seed })
      using state = onePass({ features, dv: DV, psi: osnap({ m: m2, nonzeros: 8, seed }), phi })
      state.pushValues(values)
      state.pushKeys(keys)
      state.pushQueries(queries)
      bytes = state.bytes
      square += energy(leftBy(state.columns(), truth)) / energy(truth.data) / SEEDS.length
    }
    return { epsilon1, k, m2, bytes, error: Math.sqrt(square) }
  })
}

/** The output less its decoded columns. */
export function leftBy(
  columns: ReturnType<ReturnType<typeof onePass>['columns']>,
  { cols, data }: Matrix,
): Float32Array {
  const left = data.slice()
  for (const [c, { indices, values }] of columns.entries()) {
    for (const [e, i] of indices.entries()) left[i * cols + c] -= values[e]
  }
  return left
}

export const energy = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0)

/** Keys, centred values, and queries of which every 1024th is not 0. */
function data(): { queries: Matrix; keys: Matrix; values: Matrix; truth: Matrix } {
  const [keys, values, active] = [normals(N, D, 0), normals(N, DV, 1), normals(ACTIVE, D, 2)]
  for (let i = 0; i < values.data.length; i++) values.data[i] += keys.data[i] // values lean on keys
  centre(values)
  const [queries, truth] = [matrix(N, D), matrix(N, DV)] // a query of 0 asks for the mean of V, which is 0
  const answers = exactAttention({ queries: active, keys, values, scale: SCALE })
  for (let r = 0; r < ACTIVE; r++) {
    const at = r * (N / ACTIVE)
    queries.data.set(rowsOf(active, r, r + 1).data, at * D)
    truth.data.set(rowsOf(answers, r, r + 1).data, at * DV)
  }
  return { queries, keys, values, truth }
}

/** Every column less its mean, in place. */
export function centre({ rows, cols, data }: Matrix): void {
  for (let c = 0; c < cols; c++) {
    let mean = 0
    for (let r = 0; r < rows; r++) mean += data[r * cols + c] / rows
    for (let r = 0; r < rows; r++) data[r * cols + c] -= mean
  }
}

function normals(rows: number, cols: number, stream: number): Matrix {
  const out = matrix(rows, cols)
  sketchKernels().normalColumns(out.data, [4, 1], stream, 0, rows, cols, 1)
  return out
}
