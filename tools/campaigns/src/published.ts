import type { Schema } from '@sublinear/core'
import { layerSchema } from '../../../packages/core/src/layer-snapshot.ts'
import { shapeSchema } from '../../../packages/core/src/saved-head.ts'
import { sketchSchema } from '../../../packages/core/src/sketch.ts'
import { partialSchema, queriesSchema } from '../../../packages/cluster/src/saved-partial.ts'
import { crossAttentionSchema } from '../../../packages/cross-attention/src/cross-attention.ts'
import { exactSchema } from '../../../packages/exact-attention/src/exact-stream.ts'
import { residualSchema } from '../../../packages/balance-kv/src/moment-coreset.ts'
import { treeSchema } from '../../../packages/balance-kv/src/merge-reduce.ts'
import { receivedSchema, watchedSchema } from '../../../packages/kv-cache/src/attention-received.ts'
import { goneSchema } from '../../../packages/kv-cache/src/gone-tokens.ts'
import { lastQueriesSchema } from '../../../packages/kv-cache/src/last-queries.ts'
import { clustersSchema, codedClustersSchema } from '../../../packages/kv-cache/src/policies/clusters.ts'
import { entropyCodedSchema } from '../../../packages/kv-cache/src/policies/entropy-coded.ts'
import { crowdSchema } from '../../../packages/kv-cache/src/crowding.ts'
import { ageSchema, placesSchema } from '../../../packages/kv-cache/src/policies/fading.ts'
import { entropyTokensSchema } from '../../../packages/token-store/src/saved-entropy-tokens.ts'
import { farKeysSchema } from '../../../packages/kv-cache/src/policies/far-keys.ts'
import { reservoirSchema } from '../../../packages/kv-cache/src/policies/reservoir.ts'
import { ringSchema } from '../../../packages/kv-cache/src/policies/window.ts'
import { autoSchema, limitsSchema } from '../../../packages/kv-cache/src/stack/auto-limits.ts'
import { measuredSchema, tierSchema, tiersSchema } from '../../../packages/kv-cache/src/saved-tiers.ts'
import { orderSchema } from '../../../packages/kv-cache/src/stream-order.ts'
import { specSchemas } from '../../../packages/poly-features/src/spec-schemas.ts'
import { languageModelSchema } from '../../../packages/small-lm/src/language-model.ts'
import { exactRecoverySchema, exactRecoverySizes } from '../../../packages/sparse-recovery/src/exact-recovery.ts'
import { frequentItemsSchema } from '../../../packages/sparse-recovery/src/saved-frequent-items.ts'
import { heavyHittersSchema } from '../../../packages/sparse-recovery/src/saved-heavy-hitters.ts'
import { closureSchema, closureSizesSchema } from '../../../packages/streaming-attention/src/closure-stream.ts'
import { firstOrderSchema } from '../../../packages/streaming-attention/src/first-order-stream.ts'
import { meanSchema } from '../../../packages/streaming-attention/src/mean-stream.ts'
import { onePassSchema } from '../../../packages/streaming-attention/src/one-pass-state.ts'
import { querySketchSchema } from '../../../packages/streaming-attention/src/query-sketch.ts'
import { featureSchema } from '../../../packages/streaming-attention/src/saved-feature.ts'
import { bufferSchema } from '../../../packages/streaming-attention/src/saved-buffer.ts'

/** Schemas by the names that docs/format.md has for them. */
export const PARTS = {
  sketch: sketchSchema,
  'query-sketch': querySketchSchema,
  'exact-recovery': exactRecoverySizes,
  cells: exactRecoverySchema,
  'frequent-items': frequentItemsSchema,
  'heavy-hitters': heavyHittersSchema,
  layer: layerSchema,
  shape: shapeSchema,
  tier: tierSchema,
  order: orderSchema,
  received: receivedSchema,
  watched: watchedSchema,
  'last queries': lastQueriesSchema,
  gone: goneSchema,
  ring: ringSchema,
  reservoir: reservoirSchema,
  farKeys: farKeysSchema,
  fading: ageSchema,
  places: placesSchema,
  crowd: crowdSchema,
  entropyCoded: entropyCodedSchema,
  'entropy code': entropyTokensSchema,
  clusters: clustersSchema,
  'coded clusters': codedClustersSchema,
  tiers: tiersSchema,
  measured: measuredSchema,
  buffer: bufferSchema,
  mean: meanSchema,
  firstOrder: firstOrderSchema,
  closure: closureSchema,
  clustered: closureSizesSchema,
  tree: treeSchema,
  residual: residualSchema,
  exact: exactSchema,
  feature: featureSchema,
  ...Object.fromEntries(Object.entries(specSchemas).map(([kind, one]) => [`${kind} features`, one])),
  auto: autoSchema,
  limits: limitsSchema,
  'one-pass': onePassSchema,
  'cross-attention': crossAttentionSchema,
  'partial-softmax': partialSchema,
  queries: queriesSchema,
  'small-lm': languageModelSchema,
} as unknown as Readonly<Record<string, Schema>>

const scored = ['shape', 'tier', 'order']
const stacked = ['shape', 'tiers']
const folded = ['feature', 'a map of features']

/** The parts that snapshots of each kind have. */
export const KINDS: Readonly<Record<string, readonly string[]>> = {
  sketch: ['sketch'],
  'query-sketch': ['query-sketch'],
  'exact-recovery': ['exact-recovery', 'cells'],
  'frequent-items': ['frequent-items'],
  'heavy-hitters': ['heavy-hitters'],
  layer: ['layer'],
  sinks: ['shape', 'tier'],
  quantised: ['shape', 'tier'],
  window: ['shape', 'tier', 'ring'],
  streamingLlm: ['shape', 'tier', 'ring'],
  h2o: [...scored, 'received'],
  observedAttention: [...scored, 'watched'],
  tova: [...scored, 'last queries'],
  snapKv: [...scored, 'last queries'],
  pyramidKv: [...scored, 'last queries'],
  keyNorm: scored,
  keyDiff: scored,
  lagKv: scored,
  cur: scored,
  misfit: [...scored, 'gone'],
  reservoir: ['shape', 'tier', 'reservoir'],
  farKeys: ['shape', 'tier', 'farKeys', 'fading', 'places', 'crowd'],
  entropyCoded: ['shape', 'entropyCoded', 'entropy code'],
  clusters: ['shape', 'tier', 'clusters'],
  tiers: stacked,
  farClosure: stacked,
  momentKv: stacked,
  measured: ['measured'],
  endless: stacked,
  mean: ['shape', 'buffer', 'mean'],
  firstOrder: ['shape', 'buffer', 'firstOrder'],
  closure: ['shape', 'buffer', 'clustered', 'closure'],
  balanceKv: ['tree'],
  mergeReduce: ['tree'],
  momentCoreset: ['tree', 'residual'],
  exact: ['shape', 'exact'],
  feature: folded,
  taylor: folded,
  anisotropic: folded,
  auto: ['auto', 'limits'],
  'one-pass': ['one-pass', 'a map of features'],
  'cross-attention': ['cross-attention', 'a map of features'],
  'partial-softmax': ['partial-softmax'],
  queries: ['queries'],
  'small-lm': ['small-lm'],
}

/** Fields that no schema has: tokens, which are read as `push` checks them, and texts that describe a shape, a store, a map or a halving. */
export const BESIDE =
  /^(waiting\/|candidate\/)?(keys|values|weights|codes|keyCentre|valueCentre|next)$|^(d|dv|scale|tokens)$|^(head|options|halving|blockSize|capacity|features|sinks|seed|phi|phi\.[nkm]|phi\.seed)$|^(part|stream)-\d+(\/|$)|^(tiers|held|asked)\/|^(of|sample)(\/|$)/
