// Exact attention, and partial answers that combine.
export { combine, errorBars, exactAttention, exactStream, normalise } from '@sublinear/exact-attention'

// Streams: bounded summaries of the past of one head; and tiers of them. `policies.window`, `policies.h2o` … choose which tokens stay.
export { balanceKv, momentCoreset } from '@sublinear/balance-kv'
export { tiers } from '@sublinear/kv-cache'
export * as policies from '@sublinear/kv-cache'
export { closureStream, featureStream, firstOrderStream, meanStream } from '@sublinear/streaming-attention'
export { quantised } from '@sublinear/token-store'
export { autoStream, catalogue } from './catalogue'
export { endless, type EndlessOptions } from './endless'
export { farClosure } from './far-closure'
export { compact, type CompactOptions, type WeightedTokens } from './compact'
export { momentKv } from './moment-kv'
export { open, openStream } from './open'

// The adviser: which stream to take, on certified, predicted or measured evidence; and the stream of a plan.
export { createOnePass, createPhi, createStream, plan } from './create-stream'

// The board: methods side by side at equal bytes.
export { boardMeans, compare } from '@sublinear/board'

// Whole layers, several sequences, whole files; tokens on trial; streams that several layers read.
export { attend } from './attend'
export { batch, layer, restoreLayer } from '@sublinear/core'
export { scope, sharedStream, speculate } from '@sublinear/core'

// The first paper: Algorithms 1 and 2, and attention over columns.
export { crossAttention, selfAttention } from '@sublinear/cross-attention'
export { onePass, polynomialAttention, querySketch } from '@sublinear/streaming-attention'
export { openCrossAttention, openOnePass } from './open-one-pass'

// Building blocks: feature maps, sketch matrices, recovery.
export {
  anisotropicFeatures,
  certificate,
  minimaxFeatures,
  nystromFeatures,
  randomFeatures,
  taylorFeatures,
  tensorSketchFeatures,
  trigonometricFeatures,
} from '@sublinear/poly-features'
export { amsSketch } from '@sublinear/ams-sketch'
export { gaussianSketch } from '@sublinear/gaussian-sketch'
export { countSketch, osnap, srht } from '@sublinear/sparse-sketch'
export { exactRecovery, frequentItems, heavyHitters, sparseRecovery } from '@sublinear/sparse-recovery'
export { matrix, project, sketch, useKernels } from '@sublinear/core'
export { decodeNpy, encodeNpy } from '@sublinear/io'

// Sizes that follow from an accuracy.
export { amsRows } from '@sublinear/ams-sketch'
export { gaussianRows } from '@sublinear/gaussian-sketch'
export { degreeFor, featureDimension } from '@sublinear/poly-features'
export { recoveryRows } from '@sublinear/sparse-recovery'
export { osnapRows } from '@sublinear/sparse-sketch'

export type { Plan, PlanOptions, PlanProgress } from '@sublinear/adviser'
export type { Board, BoardHead, CompareOptions } from '@sublinear/board'
export type {
  AttentionStream,
  Batch,
  FeatureMap,
  KvBlock,
  Layer,
  LayerOptions,
  Matrix,
  Method,
  PartialSoftmax,
  Pilot,
  Seed,
  Shape,
  Sketch,
  SketchMatrix,
  SparseRecovery,
  SparseVector,
  Speculation,
  StreamSpec,
  Tier,
  TierMethod,
  TierSpec,
  Traffic,
} from '@sublinear/core'
export type { AutoStream, AutoStreamOptions, Stack, Tiers } from '@sublinear/kv-cache'
export type { OnePass } from '@sublinear/streaming-attention'
export type { Attend } from './attend'
export type { FarClosureOptions } from './far-closure'
export type { RowSource } from './row-source'
