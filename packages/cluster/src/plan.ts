import type { Seed, Shape } from '@sublinear/core'

/** A method of the catalogue, or of a module whose default export is a `Method`, for one head. */
export interface MethodSpec {
  readonly name: string
  readonly shape: Shape
  /** Options of the method, plain JSON. Default: its usual ones, or those of `budgetBytes`. */
  readonly options?: object | undefined
  readonly budgetBytes?: number | undefined
  /** Address of the module (`file:…`, `data:…` or a package) that a method of your own is the default export of. */
  readonly module?: string | undefined
}

/** Ψ·A for the rows of A: which Ψ, and how many columns A has. */
export interface SketchSpec {
  readonly kind: 'ams' | 'countSketch' | 'gaussian' | 'osnap' | 'srht'
  readonly m: number
  /** Columns of A. */
  readonly width: number
  readonly precision?: 'f32' | 'f64' | undefined
  /** Nonzeros a column, of osnap. */
  readonly nonzeros?: number | undefined
  /** Rows of A at most, of srht. */
  readonly n?: number | undefined
}

export interface HeavyHittersSpec {
  readonly kind: 'heavyHitters'
  readonly n: number
  readonly k: number
  readonly epsilon: number
  readonly keyBytes?: number | undefined
}

export interface FrequentItemsSpec {
  readonly kind: 'frequentItems'
  readonly count: number
  readonly keyBytes?: number | undefined
}

export type CounterSpec = HeavyHittersSpec | FrequentItemsSpec

/** Rows by a module: `export function rows(first, count, options)` gives an iterable of blocks that hold just these rows, in order. */
export interface ModuleSource {
  /** Address of the module, as `import` takes it; a path is made a `file:` address. */
  readonly module: string
  readonly rows: number
  /** Handed to the module as it is; plain JSON. */
  readonly options?: unknown
}

/** One array of rows: a path of .npy, .npz, .safetensors (also in several files) or .parquet, and the tensor or column where there are several. */
export type FileRows = string | { readonly path: string; readonly tensor?: string | undefined }

/**
 * Rows of files: `keys` and `values` for a method, `rows` for a sketch or a counter. Every worker reads them at the same path, and only its own rows.
 * `version` tells two states of the same paths apart.
 */
export type FileSource = ({ readonly keys: FileRows; readonly values: FileRows } | { readonly rows: FileRows }) & {
  readonly version?: string | undefined
}

export type Source = ModuleSource | FileSource

/** The summary that a plan makes of its rows, as plain JSON. */
export type SummarySpec =
  | { readonly method: MethodSpec & { readonly options: object } }
  | { readonly sketch: SketchSpec & { readonly seed: string } }
  | { readonly counter: (HeavyHittersSpec & { readonly seed: string }) | FrequentItemsSpec }
  | { readonly ask: AskSpec }

/** Answers to queries, from the shards of another plan. */
export interface AskSpec {
  readonly plan: ShardPlan
  /** Key of the queries in the store. */
  readonly queries: string
  readonly rows: number
}

declare const OPENS: unique symbol

/**
 * A plan, whole: what is computed, from which rows, cut where, merged how. Plain JSON. It defines the result: shard i holds rows i·rowsPerShard …, node
 * `level.index` merges `fanIn` neighbours of the level below, in order.
 */
export interface ShardPlan<T = unknown> {
  readonly summary: SummarySpec
  readonly source?: Source | undefined
  readonly rows: number
  readonly rowsPerShard: number
  /** Neighbours that a node merges, ≥ 2; 0: shards are kept as they are, and one node lists their digests. */
  readonly fanIn: number
  /** Rows that are read and pushed at once. It changes no bit, and is no part of the key. */
  readonly blockRows: number
  /** There in types alone: what the root opens as. */
  readonly [OPENS]?: T | undefined
}

export interface PlanOptions {
  /** Where the rows come from. */
  readonly source: Source
  /** Rows of one task, ≥ 1. */
  readonly rowsPerShard: number
  /** Neighbours that a node merges; 0: no merging, for `askAll`. Default 8. */
  readonly fanIn?: number | undefined
  /** 64 bits; needed where the summary is random. */
  readonly seed?: Seed | undefined
  /** Default 512. */
  readonly blockRows?: number | undefined
}
