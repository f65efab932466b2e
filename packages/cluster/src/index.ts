export { shardPlan } from './shard-plan'
export type {
  AskSpec,
  CounterSpec,
  FileRows,
  FileSource,
  FrequentItemsSpec,
  HeavyHittersSpec,
  MethodSpec,
  ModuleSource,
  PlanOptions,
  ShardPlan,
  SketchSpec,
  Source,
  SummarySpec,
} from './plan'
export { engineOf, planKey } from './plan-key'
export { levelsOf, nodeOf, rootOf, type TreeNode } from './tree'
export type { CountBlock, RowBlock } from './row-block'
export type { RowsFunction } from './source-blocks'
export { runInline, runShards, type RunOptions } from './run-inline'
export { runOn, type RunOnOptions } from './run-on'
export { work, type WorkOptions } from './work'
export { askAll, type Answers, type AskOptions } from './ask-all'
export type { RunResult } from './run-result'
export type { OnEvent, RunEvent, RunProgress } from './run-events'
export { memoryStore, type Store } from './store'
export { folderStore } from './folder-store'
export { redisStore, type RedisCalls } from './redis-store'
export { postgresStore, type PostgresCalls } from './postgres-store'
export { s3Store, type S3Calls, type S3StoreOptions } from './s3-store'
export type { Broker, OpenRun, PendingNode, Perform, Run, Task, TaskCalls, TaskResult } from './broker'
