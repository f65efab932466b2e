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
 * Opens a one-pass state from its snapshot alone, where its features, Ψ and Φ are made by these packages; restoreOnePass takes any others.
 *
 * @throws RangeError when the bytes are damaged or name a Ψ or Φ that these packages do not make
 */
export function openOnePass(bytes: Uint8Array): OnePass {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: 'one-pass' })
  checkRows('openOnePass', parameters, tensors.get('sk(U2)')?.data)
  return restoreOnePass(onePassParts('openOnePass', parameters), bytes)
}

/**
 * Opens cross-attention from its snapshot alone, where its features, Ψ and Φ are made by these packages; restoreCrossAttention takes any others.
 *
 * @throws RangeError when the bytes are damaged or name a Ψ or Φ that these packages do not make
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

/** Refuses an m of Ψ that differs from the rows of the sketch inside, before Ψ is made: the tables of Ψ grow with m, and only the sketch's rows bound it. */
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

/** Makes Ψ from its kind, m and seed. */
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

/** Makes Φ from its kind, n, k and seed. */
function recoveryOf(who: string, parameters: Parameters): SparseRecovery {
  const [kind, , , epsilon = ''] = (parameters['phi'] ?? '').split('/')
  const [n, k] = [whole(who, parameters, 'phi.n'), whole(who, parameters, 'phi.k')]
  const seed = seedOf(who, parameters['phi.seed'])
  if (kind === 'energy-trees') return sparseRecovery({ n, k, epsilon: Number(epsilon), seed })
  // The vector itself is stored, as for every ε for which measurements would be as many.
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
