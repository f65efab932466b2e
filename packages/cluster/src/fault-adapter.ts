import type { Broker, Task, TaskResult } from './broker'

/** A broker that is up, and what may be done to it. A member that is missing is a fault that cannot be tried. */
export interface BrokerServer {
  /** How it is reached: given to `broker`, `stray` and the options of worker processes. A line that can be cut needs a host and a port in it. */
  readonly url: string
  /** Process of the server while it runs, where it has one. */
  readonly pid?: number | undefined
  /** Ends it and all that belongs to it at once, as where the power goes. */
  kill?(): Promise<void>
  /** Starts it again at the same address, after `kill`. */
  start?(): Promise<void>
  /** Stops it where it stands, connections and all. */
  pause?(): void
  resume?(): void
  /** Ends it for good. */
  stop(): Promise<void>
}

/** A task that no coordinator asked for, once it is over. */
export interface StrayResult {
  readonly state: 'done' | 'dead'
  readonly attempts: number
  /** A worker's word, where it is done. */
  readonly result?: TaskResult | undefined
}

/** Hands tasks to the workers past the coordinator: a second time, or too early. */
export interface Stray {
  /** Delivers a task, and tries it again about every second however often it fails. The call gives what came of it, or undefined while it is not over. */
  deliver(task: Task): Promise<() => Promise<StrayResult | undefined>>
  close(): Promise<void>
}

/** An adapter as the fault kit knows it. Locks of one second and many attempts let a trial end in seconds. */
export interface FaultAdapter {
  readonly name: string
  /**
   * Starts a server of its own, that keeps what it has in this folder.
   *
   * @param address  address of this machine on which it has to listen too, beside the loopback
   */
  start(folder: string, address?: string): Promise<BrokerServer>
  broker(url: string): Broker
  stray(url: string): Stray
  /** How a worker process makes its broker: `options(url)`, plain JSON, given to `broker` of this module. Without it workers stand in this process, and none can be killed. */
  readonly worker?: { readonly module: string; options(url: string): unknown } | undefined
}
