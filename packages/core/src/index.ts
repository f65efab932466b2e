export type {
  AttentionStream,
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
  checkMatrix,
  checkSeed,
  checkShape,
  checkSize,
} from './check'
export { crc32 } from './crc32'
export { matrix, rowsOf } from './matrix'
export { philox, seedWords } from './philox'
export { innerProduct, requireSame, restoreSketch, sketch, type SketchOptions } from './sketch'
export { denseSketchMatrix, project, sparseSketchMatrix, type DenseColumns, type SparseEntries } from './sketch-matrix'
export { emptyPartial, queryGroups, stepByToken } from './step'
export * from './safetensors'
