export type {
  Arrival,
  AttentionStream,
  Checks,
  FeatureMap,
  KvBlock,
  Matrix,
  PartialSoftmax,
  Seed,
  Shape,
  Sketch,
  SketchMatrix,
  SparseRecovery,
  SparseVector,
  StreamSpec,
  Tier,
  TierSpec,
} from './contracts'
export {
  checkBlock,
  checkEntries,
  checkFinite,
  checkInteger,
  checkKeys,
  checkMatrix,
  checkObject,
  checkScale,
  checkSeed,
  checkShape,
  checkSize,
  checkValues,
  isFinite,
  LARGEST_KEY,
  LARGEST_VALUE,
} from './check'
export { defined, type Given } from './given'
export { checkHead, checkOptions } from './check-head'
export { totalCounters } from './counters'
export {
  copyToken,
  emptyBlock,
  joinedTokens,
  MOST_WEIGHT,
  pickedRows,
  pickedTokens,
  rowsOfPartial,
  stackedRows,
  tokensOf,
} from './kv-block'
export {
  FRAME_FEATURES,
  HEAD_FEATURES,
  HELD_FEATURES,
  featuresBeyond,
  headOf,
  perRow,
  scoresOf,
  type Head,
  type HeadFeature,
  type Positions,
  type Rotary,
} from './head'
export { life, type Life } from './life'
export { checkParts, disposeAll, forkedParts } from './forked'
export { dataOf, isHeld, piecesOf, type HeldTensor } from './held-tensor'
export type { Arrived, Back, Inside, LiveStream, Making, Saved, Turning } from './inside'
export { liveStream } from './live-stream'
export { largestWithin, type Method, type Pilot, type TierMethod, type Traffic } from './method'
export { nestedAll, nestedIn, nestedSnapshot, snapshotUnder, tensorsUnder } from './nested-snapshots'
export { nearest } from './nearest'
export { readAnew } from './read-anew'
export { reserveMemory } from './reserve-memory'
export { rotation, type Rotation } from './rotation'
export { headIn, headParameters, shapeIn, shapeParameters } from './saved-head'
export { scope } from './scope'
export { addSink } from './sink'
export { checkFits, tensorsIn, tokenCount } from './snapshot-fits'
export { crc32 } from './crc32'
export {
  COUNT,
  FINITE,
  KEYS,
  NOT_NEGATIVE,
  SIZE,
  SUM,
  TOTAL,
  VALUES,
  WEIGHTS,
  readBy,
  schema,
  schemaText,
  type Read,
  type Schema,
} from './schema'
export { decodeUtf8, encodeUtf8 } from './utf8'
export { matrix, rowsOf } from './matrix'
export { philox, seedWords } from './philox'
export { innerProduct, requireSame, restoreSketch, sketch, type SketchOptions } from './sketch'
export { denseSketchMatrix, project, sparseSketchMatrix, type DenseColumns, type SparseEntries } from './sketch-matrix'
export { sharedStream, type SharedStream } from './shared-stream'
export { speculate, type Speculable, type Speculation } from './speculate'
export { addSpread, emptySpread, raiseSpread, rowsOfSpread, type AskBars, type ErrorBars, type Spread } from './spread'
export { asksBars, emptyPartial, isPartial, queryGroups, stepByToken } from './step'
export { fromBfloat16, fromHalf, toBfloat16, toHalf } from './half'
export {
  decodeTensors,
  encodeTensors,
  headerLength,
  parseHeader,
  type DecodedTensors,
  type Tensor,
  type TensorEntry,
  type TensorHeader,
} from './safetensors'
export type { Dtype, OtherDtype, TensorData } from './tensor-types'
export { decodeSnapshot, encodeSnapshot, type Snapshot, type State } from './snapshot'
export { brandOf, isFloat32, isFloat64, isUint32, isUint8, useKernels } from '@sublinear/kernels'
export { batch, type Batch, type PackedQueries, type PackedTokens } from './batch'
export { layer, restoreLayer, type Layer, type LayerOptions } from './layer'
export { decodeLayer, encodeLayer, layerParts, type LayerHeads } from './layer-snapshot'
