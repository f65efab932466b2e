import { matrix, type SparseVector } from '@sublinear/core'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import type { Prepare } from '../statement.ts'
import { noise } from './noise.ts'

const N = 10_007

/** Trials of one fresh Φ each; the vector stays, since the lemma is about a vector that is fixed before Φ. */
export const recovery: Prepare = ({ k, epsilon, claim, input }) => {
  const x = input === 0 ? spikes(k, epsilon) : ranks()
  const tail = tailOf(x, k)
  const { m } = sparseRecovery({ n: N, k, epsilon, seed: 0 })
  const column = matrix(N, 1, x)
  return {
    facts: `${m.toLocaleString('en-US')} measurements of ${N.toLocaleString('en-US')} entries`,
    trial: (seed) => {
      const phi = sparseRecovery({ n: N, k, epsilon, seed })
      const measured = matrix(phi.m, 1)
      phi.matrix.accumulate(measured, column, 0)
      return distance(x, phi.decode(measured.data)) / ((1 + claim * epsilon) * tail)
    },
  }
}

/** Noise of norm √n, and k spikes whose squares are 9·εn/k. */
function spikes(k: number, epsilon: number): Float32Array {
  const { normal, uniform } = noise(1)
  const x = Float32Array.from({ length: N }, normal)
  for (let i = 0; i < k; i++)
    x[Math.floor(uniform() * N)] = Math.sign(uniform() - 0.5) * Math.sqrt((9 * epsilon * N) / k)
  return x
}

function ranks(): Float32Array {
  const { uniform } = noise(2)
  return Float32Array.from({ length: N }, (_, i) => Math.sign(uniform() - 0.5) / (i + 1))
}

/** The norm without the k largest entries. */
function tailOf(x: Float32Array, k: number): number {
  const squares = Float64Array.from(x, (one) => one * one).toSorted()
  return Math.sqrt(squares.subarray(0, N - k).reduce((sum, one) => sum + one, 0))
}

function distance(x: Float32Array, { indices, values }: SparseVector): number {
  let sum = x.reduce((all, one) => all + one * one, 0)
  for (const [c, i] of indices.entries()) sum += (x[i] - values[c]) ** 2 - x[i] ** 2
  return Math.sqrt(Math.max(0, sum))
}
