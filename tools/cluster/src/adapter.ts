import { bullmq, type BullmqOptions } from '@sublinear/cluster/bullmq'
import { engineOf, type TaskResult } from '@sublinear/cluster'
import type { FaultAdapter } from '@sublinear/cluster/faults'
import { createPostgresBackend, Queue, type Job } from 'bullmq'
import { startPostgres, startRedis, type Server } from './servers.ts'

const steady = (client: { on(name: 'error', heard: () => void): unknown }) => void client.on('error', () => {})

/** Options with short locks, so that the death of a worker is noticed within a second. */
const FAST = { lockMs: 1000, stalledMs: 400, attempts: 8, backoffMs: 200, stalls: 20 } satisfies Partial<BullmqOptions>

/** An adapter whose servers can do everything that the faults ask of them. */
export interface ServiceAdapter extends FaultAdapter {
  start(folder: string, address?: string): Promise<Server>
}

function bullmqAdapter(name: string, start: ServiceAdapter['start']): ServiceAdapter {
  return {
    name,
    start,
    worker: {
      module: new URL('./worker-broker.ts', import.meta.url).href,
      options: (connection: string) => ({ connection, ...FAST }),
    },
    broker: (connection: string) => bullmq({ connection, ...FAST }),
    stray(url: string) {
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
          return async () => {
            const state = await (await queue.getJob(jobId))?.getState()
            if (state !== 'completed' && state !== 'failed') return undefined
            const job: Job | undefined = await queue.getJob(jobId) // as it is now
            return {
              state: state === 'completed' ? 'done' : 'dead',
              attempts: job?.attemptsMade ?? 0,
              result: (job?.returnvalue ?? undefined) as TaskResult | undefined,
            }
          }
        },
        close: () => queue.close(),
      }
    },
  }
}

export const redisAdapter = bullmqAdapter('redis', startRedis)
export const postgresAdapter = bullmqAdapter('postgres', startPostgres)
