import type { RunEvent } from './run-events'

/** A node that has to be computed, with those below it that have to be computed before. */
export interface PendingNode {
  readonly id: string
  readonly below: readonly PendingNode[]
}

/** A run as a broker is given it: everything else stands in the store, under the key. */
export interface Run {
  /** Key of the plan on this engine. */
  readonly key: string
  /** Engine whose bits the key is of: workers of another one must not take it. */
  readonly engine: string
  readonly blockRows: number
  readonly root: PendingNode
}

export interface Task {
  readonly key: string
  readonly node: string
  readonly blockRows: number
}

/** A worker's word on a task that it has done. */
export interface TaskResult {
  readonly node: string
  readonly state: 'new' | 'same' | 'present'
  readonly bytes: number
}

export interface TaskCalls {
  /** Aborted where the task is no longer this worker's. */
  readonly signal: AbortSignal
  onRows(rows: number): void
}

/** Does a task. TypeError and RangeError are final: trying again would end alike. */
export type Perform = (task: Task, calls: TaskCalls) => Promise<TaskResult>

/** A run that a coordinator watches. */
export interface OpenRun {
  /** 'missing': the broker knows nothing of it (it is done, or was forgotten); 'failed': a node is dead; 'cancelled': by this or another coordinator. */
  state(): Promise<'running' | 'missing' | 'failed' | 'cancelled'>
  dead(): Promise<readonly { readonly node: string; readonly reason: string }[]>
  /** No task of it begins any more; those that have begun end. */
  cancel(): Promise<void>
  close(): Promise<void>
}

/**
 * A queue that hands tasks to workers. It may deliver a task more than once, late, and in any order that has what is below a node before it; it must deliver again what a dead worker
 * held. `brokerLaws` of `@sublinear/cluster/faults` hold an adapter to it.
 */
export interface Broker {
  readonly name: string
  /** Hands a run over, and watches it. One that is there already, of this or of another coordinator, goes on as it is; a failed or cancelled one begins anew. */
  open(run: Run, onEvent: (event: RunEvent) => void): Promise<OpenRun>
  /** Takes tasks until the signal is aborted. `onFault` is told of lost connections, which are no end. */
  serve(
    perform: Perform,
    options: {
      readonly engine: string
      readonly concurrency: number
      readonly signal?: AbortSignal | undefined
      readonly onFault?: ((error: Error) => void) | undefined
    },
  ): Promise<void>
}
