export {
  boundedCache,
  type BoundedCache,
  type BoundedCacheOptions,
  type HubModel,
  type HubTensor,
} from './bounded-cache'
export { cacheGraph, type CacheEntry, type CacheGraph, type CacheGraphOptions } from './cache-graph'
export { farthestKeys, sinksAndNewest, type CacheHead, type CachePolicy } from './cache-policy'
export { capture, type CapturedHead, type CaptureOptions } from './capture'
export { chatTurns, type ChatOptions, type ChatTurns } from './chat-turns'
export { filesInMemory, type ModelFiles } from './model-files'
export { onnxModel, type LayerHeads, type OnnxModel, type OnnxModelOptions } from './onnx-model'
export type { HeadBlock } from './layer-answers'
export type { HeadSpec, OnnxReader, OnnxReaderOptions } from './reader'
export type { Ort } from './ort'
export { generate, type Generated, type GenerateOptions } from './generate'
export { specialTokens } from './special-tokens'
export { sampler, type SamplerOptions } from './sampler'
