import { defined, type Given } from '@sublinear/core'
import type { Broker } from './broker'
import { bullmqClients, type BullmqConnection } from './bullmq-connection'
import { openBullmqRun } from './bullmq-run'
import { serveBullmq } from './bullmq-serve'

export interface BullmqOptions {
  /** Address of the broker: `redis://…`, `valkey://…` or `postgres://…`, or an object that BullMQ takes as `connection`. */
  readonly connection: BullmqConnection
  /** Name of the queues, before the name of the engine. Default 'sublinear'. */
  readonly queue?: string | undefined
  /** Milliseconds for which a worker holds a task without renewing it; it renews at half of them. Default 30,000. */
  readonly lockMs?: number | undefined
  /** Milliseconds between two searches for tasks whose lock has run out. Default 5000. */
  readonly stalledMs?: number | undefined
  /** Number of attempts after errors of a worker. Default 5 in all. */
  readonly attempts?: number | undefined
  /** Milliseconds before the second attempt, doubled before each later one. Default 1000. */
  readonly backoffMs?: number | undefined
  /** How often a task may be taken from workers that fell silent. Default 20. */
  readonly stalls?: number | undefined
}

export type BullmqSettings = Given<Omit<BullmqOptions, 'connection'>>

/**
 * Makes a broker of BullMQ, over Redis, Valkey or PostgreSQL: a run is a flow, in which a node's job waits for those below it. Workers of another engine or
 * version have queues of their own.
 *
 * Guarantee: after a worker's death its task begins again once the lock has run out and another worker has noticed: within lockMs + 2·stalledMs while any
 *   worker lives.
 * Cost: a job takes some 2 kB in the broker until it is done; the README has figures.
 *
 * @throws RangeError when the connection is of none of the three
 */
export function bullmq(options: BullmqOptions): Broker {
  const { connection, ...given } = options
  const settings: BullmqSettings = {
    queue: 'sublinear',
    lockMs: 30_000,
    stalledMs: 5000,
    attempts: 5,
    backoffMs: 1000,
    stalls: 20,
    ...defined(given),
  }
  const clients = bullmqClients(connection)
  return {
    name: `bullmq on ${clients.broker}`,
    open: (run, onEvent) => openBullmqRun(clients, settings, run, onEvent),
    serve: (perform, how) => serveBullmq(clients, settings, perform, how),
  }
}

/** Name of the queue of an engine: a worker sees the tasks whose bits are its own. */
export function queueName(queue: string, engine: string): string {
  return `${queue}-${engine.replaceAll(/[^\w.]+/g, '-')}`
}
