export { attend, type Attend } from './attend'
export { autoStream, restoreAutoStream, type AutoStream, type AutoStreamOptions } from './auto/auto-stream'
export { calibrate, type CalibrateOptions } from './auto/calibrate'
export type { Recipe, Score } from './auto/recipe'
export type { Kept, Stack } from './auto/stack'
export { heads, restoreHeads, type HeadsOptions, type HeadStreams } from './heads'
export { momentCoreset, restoreMomentCoreset, type MomentCoreset, type MomentCoresetOptions } from './moment-coreset'
export { open } from './open'
export { createOnePass, createPhi, createStream } from './create-stream'
export {
  plan,
  type Considered,
  type Plan,
  type PlanError,
  type PlanOptions,
  type Task,
  type Term,
  type Verdict,
} from './plan/plan'
export type { Pilot, PilotFindings } from './plan/pilot'
export type { PlanCost } from './plan/cost'
export type { StreamPlan } from './plan/stream-plan'
export { compare, type BoardProgress, type CompareOptions } from './compare/compare'
export { compareStreams } from './compare/compare-streams'
export { modelStreams, type ModelBudget, type ModelHeads, type ModelStream } from './compare/model-streams'
export { boardMeans, type BoardMean, type BoardMeans, type BoardUnit } from './compare/board-means'
export { mostThatFits, type MostThatFits } from './compare/most-that-fits'
export type {
  Board,
  BoardBudget,
  BoardCell,
  BoardContestant,
  BoardErrors,
  BoardHead,
  BoardHeadResult,
  BoardStream,
  OverQueries,
} from './compare/board'
export { openCrossAttention, openOnePass } from './open-one-pass'
export type { RowSource } from './row-source'
export * from '@sublinear/ams-sketch'
export * from '@sublinear/balance-kv'
export * from '@sublinear/core'
export * from '@sublinear/cross-attention'
export * from '@sublinear/exact-attention'
export * from '@sublinear/gaussian-sketch'
export * from '@sublinear/hash-families'
export * from '@sublinear/kv-cache'
export * from '@sublinear/poly-features'
export * from '@sublinear/sparse-recovery'
export * from '@sublinear/sparse-sketch'
export * from '@sublinear/streaming-attention'
export { decodeNpy, encodeNpy } from '@sublinear/io'
