import {
  anisotropicFeatures,
  exactAttention,
  normalise,
  onePass,
  osnap,
  polynomialAttention,
  sparseRecovery,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import type { Head } from '../kit/captures.ts'
import { relativeError } from '../kit/trivial-answers.ts'
import { centre, energy, leftBy, type Cell } from './active.ts'

const [PILOT, T] = [512, 64]

export interface HeadSensitivity {
  readonly head: string
  readonly epsilon1: number
  readonly k: number
  readonly m2: number
  readonly bytes: number
  /** Φ would have a quarter of n rows or more, and is the identity. */
  readonly identity: boolean
  /** ‖T − Y‖_F/‖Y‖_F of the decoded columns, and the least that k entries a column allow; answering 0 has 1. */
  readonly columns: number
  readonly least: number
  /** Row answers from the same state, and from U₂ᵀV itself. */
  readonly rows: number
  readonly exactState: number
}

/** One parameter at a time about ε₁ = 0.5, k = 4, m₂ = 1024. At n = 4096 Φ is the identity from k = 12 on. */
export const HEAD_CELLS: readonly Cell[] = [
  ...[64, 256, 1024, 4096, 16384].map((m2) => [0.5, 4, m2] as const),
  ...[1, 2, 8, 64, 1024].map((k) => [0.5, k, 1024] as const),
  ...[0.25, 1].map((epsilon1) => [epsilon1, 4, 1024] as const),
]

/** Algorithm 1 on a captured head, every query over all tokens, V less its mean, 64 anisotropic features from the first 512 tokens. */
export function onHead({ name, queries, keys, values: raw }: Head, cells = HEAD_CELLS): HeadSensitivity[] {
  const [scale, n, dv] = [1 / Math.sqrt(keys.cols), keys.rows, raw.cols]
  const values = { ...raw, data: raw.data.slice() }
  centre(values)
  const truth = exactAttention({ queries, keys, values, scale })
  const features = anisotropicFeatures({
    pilotKeys: rowsOf(keys, 0, PILOT),
    pilotQueries: rowsOf(queries, 0, PILOT),
    t: T,
    scale,
  })
  const exactState = relativeError(polynomialAttention({ queries, keys, values, features }), truth)
  return cells.map(([epsilon1, k, m2]) => {
    const phi = sparseRecovery({ n, k, epsilon: epsilon1, seed: 1 })
    using state = onePass({ features, dv, psi: osnap({ m: m2, nonzeros: 8, seed: 1 }), phi })
    state.pushValues(values)
    state.pushKeys(keys)
    state.pushQueries(queries)
    return {
      head: name,
      epsilon1,
      k,
      m2,
      bytes: state.bytes,
      identity: phi.m >= n,
      columns: Math.sqrt(energy(leftBy(state.columns(), truth)) / energy(truth.data)),
      least: leastError(truth.data, dv, k),
      rows: relativeError(normalise(state.attend(queries)), truth),
      exactState,
    }
  })
}

/** √(Σ tail_k² / Σ ‖y‖²) over the columns. */
function leastError(data: Float32Array, cols: number, k: number): number {
  let tails = 0
  for (let c = 0; c < cols; c++) {
    const squares = Float64Array.from({ length: data.length / cols }, (_, r) => data[r * cols + c] ** 2).toSorted()
    tails += squares.subarray(0, Math.max(0, squares.length - k)).reduce((a, b) => a + b, 0)
  }
  return Math.sqrt(tails / energy(data))
}
