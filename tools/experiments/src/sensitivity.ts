/**
 * `pnpm --filter @sublinear/experiments run sensitivity`: Algorithm 1 over ε₁ and k (of Φ) and m₂ = 1/ε₂² (of Ψ), where the theorem says something: 64
 * active queries among 2^16, V centred. Error of the recovered columns and bytes held. Writes results/sensitivity.json and sensitivity.svg.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  exactAttention,
  matrix,
  onePass,
  osnap,
  rowsOf,
  sparseRecovery,
  taylorFeatures,
  type Matrix,
} from '@sublinear/attention'
import { kernels } from '@sublinear/kernels'
import { fourDigits } from './four-digits.ts'
import { logLogPlot } from './plot.ts'

const [N, ACTIVE, D, DV] = [2 ** 16, 64, 4, 4]
const SCALE = 0.25
const SEEDS = [1, 2, 3]

export interface Sensitivity {
  readonly epsilon1: number
  readonly k: number
  readonly m2: number
  readonly bytes: number
  /** ‖T − Y‖_F/‖Y‖_F, root mean square over the seeds; answering 0 has 1. */
  readonly error: number
}

/** Keys, centred values, and queries of which every 1024th is not 0. */
function data(): { queries: Matrix; keys: Matrix; values: Matrix; truth: Matrix } {
  const [keys, values, active] = [normals(N, D, 0), normals(N, DV, 1), normals(ACTIVE, D, 2)]
  for (let c = 0; c < DV; c++) {
    for (let r = 0; r < N; r++) values.data[r * DV + c]! += keys.data[r * D + c]! // values lean on keys
    let mean = 0
    for (let r = 0; r < N; r++) mean += values.data[r * DV + c]! / N
    for (let r = 0; r < N; r++) values.data[r * DV + c]! -= mean
  }
  const queries = matrix(N, D)
  for (let r = 0; r < ACTIVE; r++) queries.data.set(rowsOf(active, r, r + 1).data, r * (N / ACTIVE) * D)
  return { queries, keys, values, truth: exactAttention({ queries, keys, values, scale: SCALE }) }
}

function normals(rows: number, cols: number, stream: number): Matrix {
  const out = matrix(rows, cols)
  kernels().normalColumns(out.data, [4, 1], stream, 0, rows, cols, 1)
  return out
}

export function measured(cells: readonly (readonly [number, number, number])[]): Sensitivity[] {
  const { queries, keys, values, truth } = data()
  const features = taylorFeatures({ d: D, degree: 4, scale: SCALE })
  return cells.map(([epsilon1, k, m2]) => {
    let [square, bytes] = [0, 0]
    for (const seed of SEEDS) {
      const phi = sparseRecovery({ n: N, k, epsilon: epsilon1, seed })
      const state = onePass({ features, dv: DV, psi: osnap({ m: m2, nonzeros: 8, seed }), phi })
      state.pushValues(values)
      state.pushKeys(keys)
      state.pushQueries(queries)
      bytes = state.bytes
      const left = truth.data.slice()
      for (const [c, { indices, values }] of state.columns().entries()) {
        for (const [e, i] of indices.entries()) left[i * DV + c]! -= values[e]!
      }
      square += energy(left) / energy(truth.data) / SEEDS.length
      state[Symbol.dispose]()
    }
    return { epsilon1, k, m2, bytes, error: Math.sqrt(square) }
  })
}

const energy = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0)

/** One parameter at a time about ε₁ = 0.5, k = 64, m₂ = 1024. */
export const CELLS: readonly (readonly [number, number, number])[] = [
  ...[64, 256, 1024, 4096, 16384].map((m2) => [0.5, 64, m2] as const),
  ...[8, 16, 32, 128].map((k) => [0.5, k, 1024] as const),
  ...[0.25, 1].map((epsilon1) => [epsilon1, 64, 1024] as const),
]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = measured(CELLS)
  writeFileSync(new URL('../results/sensitivity.json', import.meta.url), `${JSON.stringify(result, fourDigits, 1)}\n`)
  const points = (belongs: (one: Sensitivity) => boolean) =>
    result
      .filter(belongs)
      .toSorted((a, b) => a.bytes - b.bytes)
      .map(({ bytes, error }): [number, number] => [bytes, error])
  const lines = [
    { name: 'm₂ = 64 … 16384', points: points(({ k, epsilon1 }) => k === 64 && epsilon1 === 0.5) },
    { name: 'k = 8 … 128', points: points(({ m2, epsilon1 }) => m2 === 1024 && epsilon1 === 0.5) },
    { name: 'ε₁ = 0.25 … 1', points: points(({ m2, k }) => m2 === 1024 && k === 64) },
  ]
  const title = 'Algorithm 1, 64 active queries of 2^16: relative error of the columns by bytes held'
  writeFileSync(new URL('../results/sensitivity.svg', import.meta.url), logLogPlot(title, lines))
  for (const one of result) console.log(JSON.stringify(one, fourDigits))
}
