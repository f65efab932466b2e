import type { Broker, PendingNode, Perform, Run, Task, TaskResult } from './broker'
import type { BrokerServer, FaultAdapter } from './fault-adapter'
import type { RunEvent } from './run-events'

interface Job {
  readonly task: Task
  readonly below: readonly string[]
  /** Whether no coordinator asked for its run: no one is told of it. */
  readonly isStray: boolean
  state: 'waiting' | 'active' | 'done' | 'dead'
  attempts: number
  /** Time before which it is not tried again. */
  after: number
  reason?: string | undefined
  result?: TaskResult | undefined
}

interface Held {
  readonly jobs: Map<string, Job>
  cancelled: boolean
}

export interface InProcessOptions {
  /** Attempts before a task is dead. Default 3. */
  readonly attempts?: number | undefined
  /** Milliseconds before a task is tried again. Default 0. */
  readonly backoffMs?: number | undefined
  /** Whether each task is delivered twice at once. */
  readonly twice?: boolean | undefined
}

const jobOf = (task: Task, below: readonly string[], isStray: boolean): Job => ({
  task,
  below,
  isStray,
  state: 'waiting',
  attempts: 0,
  after: 0,
})

/**
 * A broker in the memory of this process, as bad as the contract allows: it delivers later tasks first, delivers twice on demand, and forgets runs on demand.
 */
export function inProcessBroker({ attempts = 3, backoffMs = 0, twice = false }: InProcessOptions = {}) {
  const runs = new Map<string, Held>()
  const strays: Job[] = []
  const opened: string[][] = []
  const listeners = new Set<{ readonly key: string; readonly tell: (event: RunEvent) => void }>()
  const attempt = async (job: Job, perform: Perform) => {
    const { task, isStray } = job
    const { key, node } = task
    const say = (event: RunEvent) => {
      if (!isStray) for (const one of listeners) if (one.key === key) one.tell(event)
    }
    job.state = 'active'
    job.attempts++
    const calls = {
      signal: new AbortController().signal,
      onRows: (rows: number) => say({ type: 'rows', node, rows }),
    }
    try {
      const [result] = await Promise.all([perform(task, calls), ...(twice ? [perform(task, calls)] : [])])
      job.state = 'done'
      job.result = result
      say({ type: 'node', ...result })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const most = isStray ? Infinity : attempts
      const isFinal = error instanceof TypeError || error instanceof RangeError || job.attempts >= most
      job.state = isFinal ? 'dead' : 'waiting'
      job.reason = reason
      job.after = performance.now() + (isStray ? 200 : backoffMs)
      say(isFinal ? { type: 'dead', node, reason } : { type: 'retry', node, attempt: job.attempts, reason })
    }
  }
  const begin = ({ key, blockRows, root }: Run) => {
    const jobs = new Map<string, Job>()
    const add = ({ id, below }: PendingNode) => {
      below.forEach(add)
      jobs.set(id, jobOf({ key, node: id, blockRows }, below.map((part) => part.id), false)) // prettier-ignore
    }
    add(root)
    opened.push([...jobs.keys()])
    runs.set(key, { jobs, cancelled: false })
  }
  const deadOf = (held: Held | undefined) => [...(held?.jobs.values() ?? [])].filter(({ state }) => state === 'dead')
  const next = (): Job | undefined => {
    const now = performance.now()
    const isDue = (job: Job) => job.state === 'waiting' && job.after <= now
    const ready = [...runs.values()].flatMap(({ jobs, cancelled }) =>
      [...jobs.values()].filter(
        (job) => !cancelled && isDue(job) && job.below.every((id) => jobs.get(id)?.state === 'done'),
      ),
    )
    return strays.find(isDue) ?? ready.at(-1)
  }

  const broker: Broker = {
    name: 'in process',
    async open(run, onEvent) {
      const { key } = run
      const listener = { key, tell: onEvent }
      listeners.add(listener)
      const there = runs.get(key)
      if (!there || there.cancelled || deadOf(there).length > 0) begin(run)
      return {
        async state() {
          const held = runs.get(key)
          if (!held) return 'missing'
          return held.cancelled ? 'cancelled' : deadOf(held).length > 0 ? 'failed' : 'running'
        },
        dead: async () => deadOf(runs.get(key)).map(({ task, reason = '' }) => ({ node: task.node, reason })),
        async cancel() {
          const held = runs.get(key)
          if (held) held.cancelled = true
        },
        close: async () => void listeners.delete(listener),
      }
    },
    async serve(perform, { signal }) {
      for (;;) {
        if (signal?.aborted) return
        const job = next()
        if (job) await attempt(job, perform)
        else await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
  return {
    broker,
    /** Nodes that were asked for, one list for each time that a run began. */
    opened,
    forget: () => runs.clear(),
    job: (key: string, node: string) => runs.get(key)?.jobs.get(node),
    deliver(task: Task): Job {
      const job = jobOf(task, [], true)
      strays.push(job)
      return job
    },
  }
}

/**
 * Makes an adapter of brokers in this process, which needs no service: an example of an adapter, and a way to try the laws in a second. It has no worker
 * processes and no server, so faults of processes, pauses and networks cannot be tried. Its brokers try a task 60 times, 100 ms apart, unless the options say
 * otherwise.
 */
export function inProcess({ attempts = 60, backoffMs = 100, twice = false }: InProcessOptions = {}): FaultAdapter {
  const brokers = new Map<string, ReturnType<typeof inProcessBroker>>()
  const at = (url: string) => {
    const found = brokers.get(url)
    if (!found) throw new RangeError(`inProcess: nothing was started at ${url}`)
    return found
  }
  return {
    name: 'in process',
    async start(): Promise<BrokerServer> {
      const url = `in-process:${brokers.size}`
      const own = inProcessBroker({ attempts, backoffMs, twice })
      brokers.set(url, own)
      return {
        url,
        kill: async () => own.forget(),
        start: async () => {},
        stop: async () => void brokers.delete(url),
      }
    },
    broker: (url) => at(url).broker,
    stray: (url) => ({
      async deliver(task) {
        const job = at(url).deliver(task)
        return async () => {
          const { state, attempts, result } = job
          return state === 'done' || state === 'dead' ? { state, attempts, result } : undefined
        }
      },
      close: async () => {},
    }),
  }
}
