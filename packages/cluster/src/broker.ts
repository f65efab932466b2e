import type { RunEvent } from './run-events'

/** A node that must be computed, with the nodes below it that must be computed before. */
export interface PendingNode {
  readonly id: string
  readonly below: readonly PendingNode[]
}

/** A run as a broker is given it; everything else is in the store, under the key. */
export interface Run {
  /** Key of the plan on this engine. */
  readonly key: string
  /** Name of the engine whose bits the key stands for: workers of another engine must not take the run. */
  readonly engine: string
  readonly blockRows: number
  readonly root: PendingNode
}

export interface Task {
  readonly key: string
  readonly node: string
  readonly blockRows: number
}

/** Report of a worker on a task that it has done. */
export interface TaskResult {
  readonly node: string
  readonly state: 'new' | 'same' | 'present'
  readonly bytes: number
}

export interface TaskCalls {
  /** Aborted when the task no longer belongs to this worker. */
  readonly signal: AbortSignal
  onRows(rows: number): void
}

/** Does a task. A TypeError or RangeError is final, since another try would end in the same way. */
export type Perform = (task: Task, calls: TaskCalls) => Promise<TaskResult>

/** A run that a coordinator watches. */
export interface OpenRun {
  /**
   * State of the run. 'missing': the broker knows nothing of it (it is done, or was forgotten). 'failed': a node is dead. 'cancelled': by this or
   * another coordinator.
   */
  state(): Promise<'running' | 'missing' | 'failed' | 'cancelled'>
  dead(): Promise<readonly { readonly node: string; readonly reason: string }[]>
  /** Cancels the run: no further task of it begins; those that have begun are finished. */
  cancel(): Promise<void>
  close(): Promise<void>
}

/**
 * A queue that hands tasks to workers. It may deliver a task more than once, late, and in any order in which a node comes after the nodes below it. It must deliver
 * the tasks of a dead worker again. `brokerLaws` of `@sublinear/cluster/faults` test an adapter for this.
 */
export interface Broker {
  readonly name: string
  /**
   * Hands a run over and watches it. A run that is there already, from this or another coordinator, goes on as it is; a failed or cancelled one begins anew.
   */
  open(run: Run, onEvent: (event: RunEvent) => void): Promise<OpenRun>
  /** Takes tasks until the signal is aborted. `onFault` is called for lost connections, after which it goes on. */
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
