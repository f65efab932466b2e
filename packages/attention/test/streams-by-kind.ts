import {
  closureStream,
  exactStream,
  featureStream,
  policies,
  taylorFeatures,
  tiers,
  type AttentionStream,
} from '../src'

export const [d, dv] = [3, 2]
export const shape = { d, dv, scale: 0.5 }
const features = taylorFeatures({ d, degree: 2, scale: 0.5 })
const { clusters, farKeys, h2o, reservoir, sinks, snapKv, streamingLlm, tova, window } = policies

/** A stream of each kind, by its name. */
export const makers: Record<string, () => AttentionStream> = {
  exact: () => exactStream(shape),
  feature: () => featureStream({ features, dv }),
  closure: () => closureStream(shape),
  sinks: () => sinks({ count: 5 })(shape),
  window: () => window({ count: 5 })(shape),
  farKeys: () => farKeys({ count: 5 })(shape),
  streamingLlm: () => streamingLlm({ count: 5 })(shape),
  reservoir: () => reservoir({ count: 5, seed: 1 })(shape),
  h2o: () => h2o({ count: 5 })(shape),
  tova: () => tova({ count: 5 })(shape),
  snapKv: () => snapKv({ count: 5 })(shape),
  clusters: () => clusters({ count: 5 })(shape),
  tiers: () => tiers({ ...shape, parts: [sinks({ count: 2 }), farKeys({ count: 9 }), closureStream] }),
}
