import { UnrecoverableError, type Job, type Queue } from 'bullmq'
import type { Broker, Perform, TaskResult } from './broker'
import { queueName, type BullmqSettings } from './bullmq-broker'
import type { BullmqClients } from './bullmq-connection'
import type { JobData, JobProgress } from './bullmq-run'

/** Number of errors within a second after which a worker is replaced. */
const MOST_FAULTS = 50
const AGAIN_MS = 1000
const CLOSING_MS = 3000

/**
 * Takes jobs until the signal is aborted. A worker of BullMQ that could not reach its broker when it began, or whose connection cannot be repaired, fails again
 * and again; it is then closed, and another takes its place a second later.
 */
export async function serveBullmq(
  clients: BullmqClients,
  settings: BullmqSettings,
  perform: Perform,
  how: Parameters<Broker['serve']>[1],
): Promise<void> {
  const { signal } = how
  for (;;) {
    signal?.throwIfAborted()
    await serveOnce(clients, settings, perform, how)
    if (signal?.aborted) return
    await pause(AGAIN_MS)
  }
}

/** Takes jobs until the signal is aborted, or the worker cannot be repaired. */
async function serveOnce(
  clients: BullmqClients,
  settings: BullmqSettings,
  perform: Perform,
  { engine, concurrency, signal, onFault }: Parameters<Broker['serve']>[1],
): Promise<void> {
  const name = queueName(settings.queue, engine)
  const queue = clients.queue(name)
  const fault = (error: Error) => onFault?.(error)
  queue.on('error', fault)
  const worker = clients.worker(name, (job, _token, lost) => take(job, queue, perform, lost), {
    autorun: false,
    concurrency,
    lockDuration: settings.lockMs,
    stalledInterval: settings.stalledMs,
    maxStalledCount: settings.stalls,
    drainDelay: 1,
    runRetryDelay: AGAIN_MS,
  })
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'its lock is lost')
  })
  let faults = 0
  const forget = setInterval(() => (faults = 0), 1000)
  try {
    await new Promise<void>((resolve) => {
      worker.on('error', (error) => {
        fault(error)
        if (++faults !== MOST_FAULTS) return
        void worker.close(true).catch(fault) // closed here and now, since its loop may leave no other moment
        resolve()
      })
      worker.run().then(resolve, (error: Error) => {
        fault(error)
        resolve()
      })
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    clearInterval(forget)
    worker.cancelAllJobs('the worker ends')
    await Promise.race([Promise.allSettled([worker.close(), queue.close()]), pause(CLOSING_MS)])
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

async function take(job: Job, queue: Queue, perform: Perform, signal = new AbortController().signal) {
  const { key, node, blockRows, root } = job.data as JobData
  const nothing: Pick<TaskResult, 'node'> = { node }
  // If the broker cannot be reached for this question, that is no fault of the task: it is not cancelled.
  const whole = await queue.getJob(root).catch(() => undefined)
  if ((whole?.data as JobData | undefined)?.cancelled) return nothing
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
