import { bullmq, type BullmqOptions } from '@sublinear/cluster/bullmq'
import { engineOf, type Broker } from '@sublinear/cluster'
import { createPostgresBackend, Queue, type Job } from 'bullmq'
import { startPostgres, startRedis, type Server } from './servers.ts'

/** A broker as the kit knows it: how it is started and reached, and how a task is delivered that nobody asked for. */
export interface Adapter {
  readonly name: string
  start(folder: string): Promise<Server>
  /** Options of a worker process, beside the store. */
  options(url: string): object
  broker(url: string): Broker
  /** Hands tasks to the workers past the coordinator: a second time, or too early. */
  stray(url: string): Stray
}

export interface Stray {
  deliver(task: { key: string; node: string; blockRows: number }): Promise<Delivered>
  close(): Promise<void>
}

/** A stray task: done or dead when it is over, with what the worker said. */
export interface Delivered {
  over(): Promise<string | undefined>
}

const steady = (client: { on(name: 'error', heard: () => void): unknown }) => void client.on('error', () => {})

/** Short locks, so that a death is noticed in a second. */
const FAST = { lockMs: 1000, stalledMs: 400, attempts: 8, backoffMs: 200, stalls: 20 } satisfies Partial<BullmqOptions>

function bullmqAdapter(name: string, start: Adapter['start']): Adapter {
  return {
    name,
    start,
    options: (connection) => ({ connection, ...FAST }),
    broker: (connection) => bullmq({ connection, ...FAST }),
    stray(url) {
      const queueName = `sublinear-${engineOf().replaceAll(/[^\w.]+/g, '-')}`
      const { hostname: host, port, protocol } = new URL(url)
      const queue =
        protocol === 'redis:'
          ? new Queue(queueName, { connection: { host, port: Number(port), maxRetriesPerRequest: null } })
          : (new Queue(
              queueName,
              { connection: { connectionString: url, migrate: true, max: 2, onConnect: steady } },
              createPostgresBackend,
            ) as unknown as Queue)
      queue.on('error', () => {})
      let count = 0
      return {
        async deliver({ key, node, blockRows }) {
          const jobId = `stray-${key}-${count++}-${node}`
          const data = { key, node, blockRows, root: `stray-${key}-root` }
          await queue.add(node, data, { jobId, attempts: 1000, backoff: { type: 'fixed', delay: 1000 }, lifo: true })
          return {
            async over() {
              const state = await (await queue.getJob(jobId))?.getState()
              if (state !== 'completed' && state !== 'failed') return undefined
              const job: Job | undefined = await queue.getJob(jobId) // as it is now
              return `${state} ${job!.attemptsMade} ${JSON.stringify(job!.returnvalue ?? job!.failedReason)}`
            },
          }
        },
        close: () => queue.close(),
      }
    },
  }
}

export const redisAdapter = bullmqAdapter('redis', startRedis)
export const postgresAdapter = bullmqAdapter('postgres', startPostgres)
