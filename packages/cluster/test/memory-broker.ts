import type { Broker, PendingNode, Perform, Run } from '../src'

type State = 'waiting' | 'active' | 'done' | 'dead'

interface Job {
  readonly node: string
  readonly below: readonly string[]
  state: State
  attempts: number
  reason?: string
}

interface Held {
  readonly run: Run
  readonly jobs: Map<string, Job>
  cancelled: boolean
}

/** A broker in memory, as bad as the contract allows: it delivers tasks twice, the later ones first, and forgets runs on demand. */
export function memoryBroker({ attempts = 3, twice = false }: { attempts?: number; twice?: boolean } = {}) {
  const runs = new Map<string, Held>()
  const opened: string[][] = []
  const listeners = new Set<Parameters<Broker['open']>[1]>()
  const say: Parameters<Broker['open']>[1] = (event) => listeners.forEach((listener) => listener(event))
  const isReady = (held: Held, job: Job) =>
    job.state === 'waiting' && !held.cancelled && job.below.every((id) => held.jobs.get(id)!.state === 'done')

  const attempt = async (held: Held, job: Job, perform: Perform) => {
    job.state = 'active'
    job.attempts++
    const task = { key: held.run.key, node: job.node, blockRows: held.run.blockRows }
    const calls = {
      signal: new AbortController().signal,
      onRows: (rows: number) => say({ type: 'rows', node: job.node, rows }),
    }
    try {
      const [result] = await Promise.all([perform(task, calls), ...(twice ? [perform(task, calls)] : [])])
      job.state = 'done'
      say({ type: 'node', ...result })
    } catch (error) {
      const reason = (error as Error).message
      const isFinal = error instanceof TypeError || error instanceof RangeError || job.attempts >= attempts
      job.state = isFinal ? 'dead' : 'waiting'
      job.reason = reason
      say(
        isFinal
          ? { type: 'dead', node: job.node, reason }
          : { type: 'retry', node: job.node, attempt: job.attempts, reason },
      )
    }
  }

  const broker: Broker = {
    name: 'memory',
    async open(run, onEvent) {
      listeners.add(onEvent)
      const there = runs.get(run.key)
      const isOver = there && (there.cancelled || [...there.jobs.values()].some(({ state }) => state === 'dead'))
      if (!there || isOver) {
        const jobs = new Map<string, Job>()
        const add = ({ id, below }: PendingNode) => {
          below.forEach(add)
          jobs.set(id, { node: id, below: below.map((part) => part.id), state: 'waiting', attempts: 0 })
        }
        add(run.root)
        opened.push([...jobs.keys()])
        runs.set(run.key, { run, jobs, cancelled: false })
      }
      const dead = () => [...(runs.get(run.key)?.jobs.values() ?? [])].filter(({ state }) => state === 'dead')
      return {
        async state() {
          const held = runs.get(run.key)
          if (!held) return 'missing'
          return held.cancelled ? 'cancelled' : dead().length > 0 ? 'failed' : 'running'
        },
        dead: async () => dead().map(({ node, reason = '' }) => ({ node, reason })),
        async cancel() {
          runs.get(run.key)!.cancelled = true
        },
        close: async () => void listeners.delete(onEvent),
      }
    },
    async serve(perform, { signal }) {
      for (;;) {
        if (signal?.aborted) return
        const ready = [...runs.values()].flatMap((held) =>
          [...held.jobs.values()].filter((job) => isReady(held, job)).map((job) => [held, job] as const),
        )
        const next = ready.at(-1)
        if (next) await attempt(...next, perform)
        else await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
  return {
    broker,
    opened,
    forget: () => runs.clear(),
    job: (key: string, node: string) => runs.get(key)?.jobs.get(node),
  }
}
