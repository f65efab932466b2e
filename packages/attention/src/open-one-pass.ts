import { amsSketch } from '@sublinear/ams-sketch'
import { checkInteger, decodeSnapshot, type SketchMatrix, type SparseRecovery, isUint8 } from '@sublinear/core'
import { restoreCrossAttention, type CrossAttention } from '@sublinear/cross-attention'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { restoreFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { countSketch, osnap, srht } from '@sublinear/sparse-sketch'
import { restoreOnePass, type OnePass } from '@sublinear/streaming-attention'

type Parameters = Record<string, string>

/**
 * A one-pass state from its snapshot alone, where its features, Ψ and Φ are of these packages; restoreOnePass takes any.
 *
 * @throws RangeError when the bytes are damaged or name a Ψ or Φ that is not of these packages
 */
export function openOnePass(bytes: Uint8Array): OnePass {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: 'one-pass' })
  checkRows('openOnePass', parameters, tensors.get('sk(U2)')?.data)
  return restoreOnePass(onePassParts('openOnePass', parameters), bytes)
}

/**
 * Cross-attention from its snapshot alone, where its features, Ψ and Φ are of these packages; restoreCrossAttention takes any.
 *
 * @throws RangeError when the bytes are damaged or name a Ψ or Φ that is not of these packages
 */
export function openCrossAttention(bytes: Uint8Array): CrossAttention {
  const who = 'openCrossAttention'
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: 'cross-attention' })
  const inner = (name: string) => {
    const data = tensors.get(name)?.data
    return isUint8(data) ? decodeSnapshot(data) : undefined
  }
  const [all, queries] = [inner('one-pass'), inner('sk(D-1U1)')]
  if (all) {
    checkRows(who, all.parameters, all.tensors.get('sk(U2)')?.data)
    return restoreCrossAttention(onePassParts(who, all.parameters), bytes)
  }
  const features = restoreFeatures(parameters['features'] ?? '')
  return restoreCrossAttention({ features, ...(queries && { phi: recoveryOf(who, queries.parameters) }) }, bytes)
}

/** Refuses an m of Ψ that the sketch inside has not, before Ψ is made: its tables grow with m, and only rows that are there bound it. */
function checkRows(who: string, parameters: Parameters, sketched: unknown): void {
  const { parameters: own, tensors } = isUint8(sketched) ? decodeSnapshot(sketched, { kind: 'sketch' }) : {}
  const m = whole(who, parameters, 'psi.m')
  const rows = tensors?.get('state')?.shape[0]
  if (own?.['m'] !== String(m) || rows !== m)
    throw new RangeError(`${who}: psi.m must be the rows of the sketch inside, ${rows}, got ${m}`)
}

function onePassParts(who: string, parameters: Parameters) {
  return {
    features: restoreFeatures(parameters['features'] ?? ''),
    psi: sketchMatrixOf(who, parameters),
    ...(parameters['phi'] !== 'none' && { phi: recoveryOf(who, parameters) }),
  }
}

/** Ψ by its kind, m and seed. */
function sketchMatrixOf(who: string, parameters: Parameters): SketchMatrix {
  const [kind, option = ''] = (parameters['psi'] ?? '').split('/')
  const shape = { m: whole(who, parameters, 'psi.m'), seed: seedOf(who, parameters['psi.seed']) }
  if (kind === 'ams') return amsSketch(shape)
  if (kind === 'gaussian') return gaussianSketch(shape)
  if (kind === 'count-sketch') return countSketch(shape)
  if (kind === 'osnap') return osnap({ ...shape, nonzeros: Number(option) })
  if (kind === 'srht') return srht({ ...shape, n: Number(option) })
  throw new RangeError(`${who}: psi must be a matrix of these packages, got ${JSON.stringify(parameters['psi'])}`)
}

/** Φ by its kind, n, k and seed. */
function recoveryOf(who: string, parameters: Parameters): SparseRecovery {
  const [kind, , , epsilon = ''] = (parameters['phi'] ?? '').split('/')
  const [n, k] = [whole(who, parameters, 'phi.n'), whole(who, parameters, 'phi.k')]
  const seed = seedOf(who, parameters['phi.seed'])
  if (kind === 'energy-trees') return sparseRecovery({ n, k, epsilon: Number(epsilon), seed })
  // The vector itself, as for every ε that would take as many measurements.
  if (kind === 'stored-vector') return sparseRecovery({ n, k, epsilon: (4 * k) / n, seed })
  throw new RangeError(`${who}: phi must be a recovery of these packages, got ${JSON.stringify(parameters['phi'])}`)
}

function whole(who: string, parameters: Parameters, name: string): number {
  const value = Number(parameters[name])
  checkInteger(who, name, value, 1)
  return value
}

function seedOf(who: string, text = ''): bigint {
  if (!/^\d{1,20}$/.test(text))
    throw new RangeError(`${who}: a seed must be a whole number, got ${JSON.stringify(text)}`)
  return BigInt(text)
}
