import { defined, type Given } from '@sublinear/core'
import type { Broker } from './broker'
import { bullmqClients, type BullmqConnection } from './bullmq-connection'
import { openBullmqRun } from './bullmq-run'
import { serveBullmq } from './bullmq-serve'

export interface BullmqOptions {
  /** `redis://…`, `valkey://…` or `postgres://…`, or what BullMQ takes as `connection` of either. */
  readonly connection: BullmqConnection
  /** Name of the queues, before the engine. Default 'sublinear'. */
  readonly queue?: string | undefined
  /** Milliseconds for which a worker holds a task without renewing it; it renews at half of them. Default 30,000. */
  readonly lockMs?: number | undefined
  /** Milliseconds between two looks for tasks whose lock has run out. Default 5000. */
  readonly stalledMs?: number | undefined
  /** How often a worker's error is tried again. Default 5 attempts in all. */
  readonly attempts?: number | undefined
  /** Milliseconds before the second attempt, doubled before each later one. Default 1000. */
  readonly backoffMs?: number | undefined
  /** How often a task may be taken from workers that fell silent. Default 20. */
  readonly stalls?: number | undefined
}

export type BullmqSettings = Given<Omit<BullmqOptions, 'connection'>>

/**
 * BullMQ as a broker, over Redis, Valkey or PostgreSQL: runs are flows, a node's job waits for those below it. Workers of another engine or version have queues of their own.
 *
 * Guarantee: a task is begun again after a worker's death once its lock has run out and a worker has looked: within lockMs + 2·stalledMs while any lives.
 * Cost: a job is some 2 kB in the broker until it is done; figures stand in the README.
 *
 * @throws RangeError when the connection leads to neither
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
