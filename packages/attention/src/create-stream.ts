import type { AttentionStream, FeatureMap, SparseRecovery } from '@sublinear/core'
import { restoreFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream, onePass, type OnePass } from '@sublinear/streaming-attention'
import type { Plan } from './plan/plan'
import { phiOf, psiOf } from './plan/stream-plan'

type Planned = Pick<Plan, 'd' | 'dv' | 'scale' | 'stream'>

/**
 * The attention stream that a plan describes, empty: for keys that come with their values. The plan may come from JSON.
 *
 * @throws RangeError when keys and values come apart, which is createOnePass, or the plan is not as `plan` made it
 */
export function createStream({ d, dv, scale, stream }: Planned): AttentionStream & Disposable {
  if (stream?.kind === 'closure') return closureStream({ d, dv, scale })
  if (stream?.kind === 'feature') return featureStream({ features: featuresOf('createStream', { stream }), dv })
  throw new RangeError(`createStream: stream.kind must be closure or feature, got ${String(stream?.kind)}`)
}

/**
 * Algorithm 1 as a plan describes it, empty: for keys and values that come apart.
 *
 * @throws RangeError when the plan is for keys with their values, or not as `plan` made it
 */
export function createOnePass({ dv, stream }: Pick<Planned, 'dv' | 'stream'>): OnePass {
  const who = 'createOnePass'
  if (stream?.kind !== 'one-pass' || !stream.psi)
    throw new RangeError(`${who}: stream.kind must be one-pass with a psi, got ${String(stream?.kind)}`)
  const psi = psiOf(stream.psi)
  return onePass({ features: featuresOf(who, { stream }), dv, psi, ...(stream.phi && { phi: phiOf(stream.phi) }) })
}

/**
 * Φ of a plan for the task 'columns': for `querySketch`, beside the stream of createStream.
 *
 * @throws RangeError when the plan has none
 */
export function createPhi({ stream }: Pick<Planned, 'stream'>): SparseRecovery {
  if (!stream?.phi) throw new RangeError(`createPhi: the plan must be for the task 'columns', got no phi`)
  return phiOf(stream.phi)
}

function featuresOf(who: string, { stream }: Pick<Planned, 'stream'>): FeatureMap {
  if (typeof stream.features !== 'string') throw new RangeError(`${who}: stream.features must be the spec of a map`)
  return restoreFeatures(stream.features)
}
