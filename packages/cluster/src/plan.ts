import type { Seed, Shape } from '@sublinear/core'

/** A method of the catalogue, or of a module whose default export is a `Method`, for one head. */
export interface MethodSpec {
  readonly name: string
  readonly shape: Shape
  /** Options of the method, plain JSON. Default: its usual options, or those of `budgetBytes`. */
  readonly options?: object | undefined
  readonly budgetBytes?: number | undefined
  /** Address of a module (`file:…`, `data:…` or a package) whose default export is a method of your own. */
  readonly module?: string | undefined
}

/** A sketch Ψ·A of the rows of A: kind of Ψ, and number of columns of A. */
export interface SketchSpec {
  readonly kind: 'ams' | 'countSketch' | 'gaussian' | 'osnap' | 'srht'
  readonly m: number
  /** Number of columns of A. */
  readonly width: number
  readonly precision?: 'f32' | 'f64' | undefined
  /** Number of nonzeros of a column; for osnap. */
  readonly nonzeros?: number | undefined
  /** Most rows of A; for srht. */
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

/** Rows that a module makes: `export function rows(first, count, options)` returns an iterable of blocks that hold exactly these rows, in order. */
export interface ModuleSource {
  /** Address of the module, as `import` takes it; a path becomes a `file:` address. */
  readonly module: string
  readonly rows: number
  /** Options that the module is given as they are; plain JSON. */
  readonly options?: unknown
}

/** An array of rows in a file: path of a .npy, .npz, .safetensors (also in several files) or .parquet file, and the tensor or column where it has several. */
export type FileRows = string | { readonly path: string; readonly tensor?: string | undefined }

/**
 * Rows of files: `keys` and `values` for a method, `rows` for a sketch or a counter. Every worker reads them at the same path, and only its own rows.
 * `version` distinguishes two states of the same paths.
 */
export type FileSource = ({ readonly keys: FileRows; readonly values: FileRows } | { readonly rows: FileRows }) & {
  readonly version?: string | undefined
}

export type Source = ModuleSource | FileSource

/** A summary that a plan makes of its rows, as plain JSON. */
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
 * A complete plan, as plain JSON: what is computed, from which rows, where these are cut, and how parts are merged. It defines the result: shard i
 * holds rows i·rowsPerShard …, node
 * `level.index` merges `fanIn` neighbours of the level below, in order.
 */
export interface ShardPlan<T = unknown> {
  readonly summary: SummarySpec
  readonly source?: Source | undefined
  readonly rows: number
  readonly rowsPerShard: number
  /** Number of neighbours that a node merges, ≥ 2. 0: shards are kept as they are, and one node lists their digests. */
  readonly fanIn: number
  /** Number of rows that are read and pushed at once. It changes no bit, and is no part of the key. */
  readonly blockRows: number
  /** Type of the opened root; exists in types alone. */
  readonly [OPENS]?: T | undefined
}

export interface PlanOptions {
  /** Source of the rows. */
  readonly source: Source
  /** Number of rows of one task, ≥ 1. */
  readonly rowsPerShard: number
  /** Number of neighbours that a node merges. 0: no merging, for `askAll`. Default 8. */
  readonly fanIn?: number | undefined
  /** Seed of 64 bits; needed where the summary is random. */
  readonly seed?: Seed | undefined
  /** Number of rows that are read and pushed at once. Default 512. */
  readonly blockRows?: number | undefined
}
