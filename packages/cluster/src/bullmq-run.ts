import type { FlowJob, Job, Queue, QueueEvents } from 'bullmq'
import type { OpenRun, PendingNode, Run, TaskResult } from './broker'
import { queueName, type BullmqSettings } from './bullmq-broker'
import type { BullmqClients } from './bullmq-connection'
import type { RunEvent } from './run-events'

/** Data of a job. The root's data have `cancelled` once no coordinator wants the run any more. */
export interface JobData {
  readonly key: string
  readonly node: string
  readonly blockRows: number
  /** Job of the run's root. */
  readonly root: string
  readonly cancelled?: boolean | undefined
}

/** Report of a worker on a job that it has not finished. */
export type JobProgress =
  | { readonly rows: number; readonly worker: number }
  | { readonly attempt: number; readonly reason: string }

type State = Awaited<ReturnType<OpenRun['state']>>

/** Most runs of one key. They are counted: a failed or cancelled run keeps its jobs, and the next run has names of its own. */
const MOST_GENERATIONS = 1000

/** Ignores lost connections, since clients connect again by themselves. */
const quiet = () => {}

/** Hands a run over as a flow, unless it is running already, and watches it. */
export async function openBullmqRun(
  clients: BullmqClients,
  settings: BullmqSettings,
  run: Run,
  onEvent: (event: RunEvent) => void,
): Promise<OpenRun> {
  const name = queueName(settings.queue, run.engine)
  const [queue, flow, events] = [clients.queue(name), clients.flow(), clients.events(name)]
  queue.on('error', quiet)
  flow.on('error', quiet)
  events.on('error', quiet)
  const close = async () => {
    await Promise.allSettled([events.close(), flow.close(), queue.close()])
  }
  try {
    await events.waitUntilReady()
    const { prefix, isThere } = await generationOf(queue, run)
    listen(events, prefix, onEvent)
    const root = `${prefix}${run.root.id}`
    if (!isThere) await flow.add(flowOf(run, run.root, prefix, name, settings))
    return {
      state: async () => stateOf(await queue.getJob(root)),
      dead: () => deadOf(queue, prefix),
      async cancel() {
        const job = await queue.getJob(root)
        if (job) await job.updateData({ ...(job.data as JobData), cancelled: true })
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The name of the run's jobs: of the run that is under way, or of a new one after those that failed or were cancelled. */
async function generationOf(queue: Queue, { key, root }: Run): Promise<{ prefix: string; isThere: boolean }> {
  for (let generation = 0; generation < MOST_GENERATIONS; generation++) {
    const prefix = `${key}-${generation}-`
    const state = await stateOf(await queue.getJob(`${prefix}${root.id}`))
    if (state === 'running' || state === 'missing') return { prefix, isThere: state === 'running' }
  }
  throw new Error(`bullmq: ${key} has failed ${MOST_GENERATIONS} times`)
}

async function stateOf(job: Job | undefined): Promise<State> {
  if (!job) return 'missing'
  if ((job.data as JobData).cancelled) return 'cancelled'
  const state = await job.getState()
  if (state === 'failed') return 'failed'
  return state === 'unknown' || state === 'completed' ? 'missing' : 'running'
}

function flowOf(run: Run, node: PendingNode, prefix: string, queue: string, settings: BullmqSettings): FlowJob {
  const data: JobData = { key: run.key, node: node.id, blockRows: run.blockRows, root: `${prefix}${run.root.id}` }
  const opts = {
    jobId: `${prefix}${node.id}`,
    attempts: settings.attempts,
    backoff: { type: 'exponential' as const, delay: settings.backoffMs },
    removeOnComplete: true,
    ...(node !== run.root && { failParentOnFailure: true }),
  }
  const children = node.below.map((part) => flowOf(run, part, prefix, queue, settings))
  return { name: node.id, queueName: queue, data, opts, ...(children.length > 0 && { children }) } as FlowJob
}

function listen(events: QueueEvents, prefix: string, onEvent: (event: RunEvent) => void): void {
  const nodeIn = (id: string) => (id.startsWith(prefix) ? id.slice(prefix.length) : undefined)
  events.on('completed', ({ jobId, returnvalue }) => {
    const node = nodeIn(jobId)
    const result = parsed(returnvalue) as Partial<TaskResult> | undefined
    if (node !== undefined && result?.state)
      onEvent({ type: 'node', node, state: result.state, bytes: result.bytes ?? 0 })
  })
  events.on('progress', ({ jobId, data }) => {
    const node = nodeIn(jobId)
    if (node === undefined) return
    const told = parsed(data) as JobProgress
    if ('rows' in told) onEvent({ type: 'rows', node, ...told })
    else onEvent({ type: 'retry', node, ...told })
  })
  events.on('stalled', ({ jobId }) => {
    const node = nodeIn(jobId)
    if (node !== undefined) onEvent({ type: 'stalled', node })
  })
  events.on('failed', ({ jobId, failedReason }) => {
    const node = nodeIn(jobId)
    if (node !== undefined && !isInherited(failedReason)) onEvent({ type: 'dead', node, reason: failedReason })
  })
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value
}

/** Whether a parent failed because its child did, which is no reason of its own. */
function isInherited(reason: string): boolean {
  return /^child .+ failed$/.test(reason)
}

async function deadOf(queue: Queue, prefix: string): Promise<{ node: string; reason: string }[]> {
  const found: { node: string; reason: string }[] = []
  const PAGE = 500
  for (let from = 0; ; from += PAGE) {
    const jobs = await queue.getFailed(from, from + PAGE - 1)
    for (const { id, failedReason: reason = '' } of jobs)
      if (id?.startsWith(prefix) && !isInherited(reason)) found.push({ node: id.slice(prefix.length), reason })
    if (jobs.length < PAGE) return found
  }
}
