import type { AttentionStream } from '@sublinear/core'
import { restoreFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import type { Plan } from './plan/plan'

/**
 * The attention stream that a plan describes, empty. The plan may come from JSON.
 *
 * @throws RangeError when keys and values come apart: that is `createOnePass`; or the plan is not as `plan` made it
 */
export function createStream({ d, dv, scale, stream }: Pick<Plan, 'd' | 'dv' | 'scale' | 'stream'>): AttentionStream & Disposable {
  if (stream.kind === 'closure') return closureStream({ d, dv, scale })
  if (stream.kind === 'feature' && stream.features !== undefined)
    return featureStream({ features: restoreFeatures(stream.features), dv })
  throw new RangeError(`createStream: stream.kind must be closure or feature, got ${String(stream.kind)}`)
}
