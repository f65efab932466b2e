/** An event of a run. */
export type RunEvent =
  /** The artifact of a node is in the store: just computed, or there before. */
  | { readonly type: 'node'; readonly node: string; readonly state: 'new' | 'same' | 'present'; readonly bytes: number }
  /** Rows of a shard that have been pushed so far. */
  | { readonly type: 'rows'; readonly node: string; readonly rows: number; readonly worker?: number | undefined }
  /** Progress of the whole run, after each node. */
  | ({ readonly type: 'progress' } & RunProgress)
  /** A worker failed at a node, which is tried again. */
  | { readonly type: 'retry'; readonly node: string; readonly attempt: number; readonly reason: string }
  /** A worker fell silent at a node, and another begins it again. */
  | { readonly type: 'stalled'; readonly node: string }
  /** The broker or the store could not be reached; the run goes on. */
  | { readonly type: 'fault'; readonly reason: string }
  /** A node failed and is not tried again. */
  | { readonly type: 'dead'; readonly node: string; readonly reason: string }

export interface RunProgress {
  readonly shards: number
  readonly ofShards: number
  readonly merges: number
  readonly ofMerges: number
  readonly rows: number
  readonly ofRows: number
  /** Bytes of artifacts that were computed. */
  readonly bytes: number
}

export type OnEvent = (event: RunEvent) => void
