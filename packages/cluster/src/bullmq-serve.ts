import { UnrecoverableError, type Job, type Queue } from 'bullmq'
import type { Broker, Perform, TaskResult } from './broker'
import { queueName, type BullmqSettings } from './bullmq-broker'
import type { BullmqClients } from './bullmq-connection'
import type { JobData, JobProgress } from './bullmq-run'

/** Takes jobs until the signal is aborted. */
export async function serveBullmq(
  clients: BullmqClients,
  settings: BullmqSettings,
  perform: Perform,
  { engine, concurrency, signal, onFault }: Parameters<Broker['serve']>[1],
): Promise<void> {
  signal?.throwIfAborted()
  const name = queueName(settings.queue, engine)
  const queue = clients.queue(name)
  const fault = (error: Error) => onFault?.(error)
  queue.on('error', fault)
  const worker = clients.worker(name, (job, _token, lost) => take(job, queue, perform, lost), {
    concurrency,
    lockDuration: settings.lockMs,
    stalledInterval: settings.stalledMs,
    maxStalledCount: settings.stalls,
    drainDelay: 1,
    runRetryDelay: 1000,
  })
  worker.on('error', fault)
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'its lock is lost')
  })
  try {
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    worker.cancelAllJobs('the worker ends')
    await Promise.allSettled([worker.close(), queue.close()])
  }
}

async function take(job: Job, queue: Queue, perform: Perform, signal = new AbortController().signal) {
  const { key, node, blockRows, root } = job.data as JobData
  const nothing: Pick<TaskResult, 'node'> = { node }
  if (((await queue.getJob(root))?.data as JobData | undefined)?.cancelled) return nothing
  const tell = (progress: JobProgress) => void job.updateProgress(progress).catch(() => {})
  try {
    return await perform({ key, node, blockRows }, { signal, onRows: (rows) => tell({ rows, worker: process.pid }) })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (error instanceof TypeError || error instanceof RangeError) throw new UnrecoverableError(reason)
    tell({ attempt: job.attemptsMade + 1, reason })
    throw error
  }
}
