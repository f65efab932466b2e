import type { FeatureMap, SketchMatrix } from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { osnap } from '@sublinear/sparse-sketch'
import { recoveryRows, sparseRecovery } from '@sublinear/sparse-recovery'

/** A summary as plain JSON: what `createStream` builds. */
export interface StreamPlan {
  readonly kind: 'closure' | 'feature' | 'one-pass'
  readonly name: string
  /** `spec` of the feature map. */
  readonly features?: string
  /** Features. */
  readonly t?: number
  /** Ψ, where keys and values come apart: Gaussian where its error must be proved, OSNAP with 8 nonzeros a column otherwise. */
  readonly psi?: { readonly kind: 'gaussian' | 'osnap'; readonly m: number; readonly seed: string }
  /** Φ, for columns: sparse recovery. */
  readonly phi?: { readonly n: number; readonly k: number; readonly epsilon: number; readonly seed: string }
}

/** Nonzeros of a column of Ψ. */
export const NONZEROS = 8

export function psiOf({ kind, m, seed }: NonNullable<StreamPlan['psi']>): SketchMatrix {
  return kind === 'gaussian'
    ? gaussianSketch({ m, seed: BigInt(seed) })
    : osnap({ m, nonzeros: NONZEROS, seed: BigInt(seed) })
}

export const phiOf = ({ seed, ...size }: NonNullable<StreamPlan['phi']>) =>
  sparseRecovery({ ...size, seed: BigInt(seed) })

/** What Algorithm 1's states hold: Ψ's part where there is one, Φ's where there is one. */
export function sketchBytes(
  { t }: FeatureMap,
  dv: number,
  { psi, phi }: Pick<StreamPlan, 'psi' | 'phi'>,
): Record<string, number> {
  const held = 4 * 64 // a sketch keeps up to 64 rows before it multiplies them
  return {
    ...(psi && {
      'sk(U2)': (4 * psi.m + held) * t,
      'sk(V)': (4 * psi.m + held) * (dv + 1),
      'U2 sums': 8 * t,
      'V sums': 8 * dv,
      Psi: psiOf(psi).bytes,
    }),
    ...(phi && {
      'sk(D^-1 U1)': (4 * recoveryRows(phi) + held) * t,
      Phi: phiOf(phi).matrix.bytes,
      'query sums': 8 * t,
    }),
  }
}
