import { checkObject } from '@sublinear/core'
import type { FeatureMap, SketchMatrix, SparseRecovery } from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { recoveryRows, sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'

/** Description of Ψ as plain JSON: Gaussian where its error must be proved, else OSNAP with 8 nonzeros a column. */
export interface Psi {
  readonly kind: 'gaussian' | 'osnap'
  readonly m: number
  readonly seed: string
}

/** Description of Φ as plain JSON: sparse recovery. */
export interface Phi {
  readonly n: number
  readonly k: number
  readonly epsilon: number
  readonly seed: string
}

/** Options of Algorithm 1, for keys and values that come apart. */
export interface OnePassPlan {
  /** Spec of the feature map. */
  readonly features: string
  readonly psi: Psi
}

/** The name of Algorithm 1 in a plan. It is no attention stream, and so no method. */
export const ONE_PASS = 'onePass'
/** Nonzeros of a column of Ψ. */
export const NONZEROS = 8

export function psiOf(options: Psi): SketchMatrix {
  const { kind, m, seed } = checkPlan('psiOf', options)
  return kind === 'gaussian'
    ? gaussianSketch({ m, seed: BigInt(seed) })
    : osnap({ m, nonzeros: NONZEROS, seed: BigInt(seed) })
}

/** Checks a part of a plan: its seed is text, since JSON has no integers of 64 bits. */
function checkPlan<P extends Psi | Phi>(who: string, plan: P): P {
  const { seed } = checkObject(who, plan, 'plan')
  if (!/^\d{1,20}$/.test(String(seed)))
    throw new TypeError(`${who}: seed must be the digits of a seed, got ${String(seed)}`)
  return plan
}

export function phiOf(options: Phi): SparseRecovery {
  const { seed, ...size } = checkPlan('phiOf', options)
  return sparseRecovery({ ...size, seed: BigInt(seed) })
}

/** Bytes of the states of Algorithm 1: those of Ψ's part and of Φ's part, where these exist. */
export function sketchBytes(
  { t }: FeatureMap,
  dv: number,
  { psi, phi }: { readonly psi?: Psi | undefined; readonly phi?: Phi | undefined },
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
