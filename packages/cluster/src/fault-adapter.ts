import type { Broker, Task, TaskResult } from './broker'

/** A broker server that is up, and the faults that it can be given. A missing member is a fault that cannot be tried. */
export interface BrokerServer {
  /** Address of the server, for `broker`, `stray` and the options of worker processes. A line that can be cut needs a host and a port in it. */
  readonly url: string
  /** Process id of the server while it runs, where it has one. */
  readonly pid?: number | undefined
  /** Ends the server and all that belongs to it at once, like a power failure. */
  kill?(): Promise<void>
  /** Starts it again at the same address, after `kill`. */
  start?(): Promise<void>
  /** Stops the server where it stands, with its connections. */
  pause?(): void
  resume?(): void
  /** Ends the server for good. */
  stop(): Promise<void>
}

/** A task that no coordinator asked for, once it is over. */
export interface StrayResult {
  readonly state: 'done' | 'dead'
  readonly attempts: number
  /** Report of the worker, where the task is done. */
  readonly result?: TaskResult | undefined
}

/** Gives tasks to the workers without a coordinator: a second time, or too early. */
export interface Stray {
  /**
   * Delivers a task, and tries it again about every second however often it fails. The returned function gives the result, or undefined while the task is not over.
   */
  deliver(task: Task): Promise<() => Promise<StrayResult | undefined>>
  close(): Promise<void>
}

/** An adapter of a broker to the fault kit. Locks of one second and many attempts let a trial end within seconds. */
export interface FaultAdapter {
  readonly name: string
  /**
   * Starts a server of its own, which keeps its data in this folder.
   *
   * @param address  address of this machine on which it must listen beside the loopback
   */
  start(folder: string, address?: string): Promise<BrokerServer>
  broker(url: string): Broker
  stray(url: string): Stray
  /**
   * Module with which a worker process makes its broker: `options(url)`, plain JSON, is given to `broker` of this module. Absent: workers run in this
   * process, and none
   * can be killed.
   */
  readonly worker?: { readonly module: string; options(url: string): unknown } | undefined
}
