import { fork, type ChildProcess } from 'node:child_process'
import { builtProgram } from './built-program'
import type { Broker } from './broker'
import type { Store } from './store'
import { work } from './work'

/** Workers of a trial. */
export interface TrialWorkers {
  /** The ids of the processes that live. */
  pids(): number[]
  /** Whether a process is one of the workers, lives, and stands behind the line. */
  isFar(pid: number): boolean
  signal(pid: number, which: NodeJS.Signals): void
  stop(): Promise<void>
}

/** Arguments of a worker process, and the side of the line on which it stands. */
export interface WorkerPlace {
  readonly module: string
  readonly options: unknown
  /** Folder of its store. */
  readonly store: string
  readonly isFar: boolean
  /** Command that runs another command elsewhere, such as `ip netns exec name`. */
  readonly within?: readonly string[] | undefined
}

/** Starts worker processes, one for each place, and replaces those that die. */
export function startWorkers(places: readonly WorkerPlace[]): TrialWorkers {
  const alive = new Map<number, { readonly child: ChildProcess; readonly isFar: boolean }>()
  let isOver = false
  const start = (place: WorkerPlace) => {
    const { module, options, store, isFar, within = [] } = place
    const [execPath = process.execPath, ...execArgv] = [...within, process.execPath]
    const child = fork(builtProgram('fault-worker'), [JSON.stringify({ module, options, store })], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execPath,
      execArgv,
    })
    const { pid } = child
    if (pid === undefined) throw new Error(`startWorkers: ${execPath} did not start`)
    alive.set(pid, { child, isFar })
    child.on('exit', () => {
      alive.delete(pid)
      if (!isOver) start(place)
    })
  }
  for (const place of places) start(place)
  return {
    pids: () => [...alive.keys()],
    isFar: (pid) => alive.get(pid)?.isFar === true,
    signal: (pid, which) => void alive.get(pid)?.child.kill(which),
    async stop() {
      isOver = true
      const ends = [...alive.values()].map(({ child }) => new Promise((resolve) => child.once('exit', resolve)))
      for (const { child } of alive.values()) child.kill('SIGKILL')
      await Promise.all(ends)
    },
  }
}

/** Makes workers in this process, of which none can be killed. */
export function workersHere(brokers: readonly Broker[], store: Store): TrialWorkers {
  const stop = new AbortController()
  const all = brokers.map((broker) => work(broker, { store, signal: stop.signal }))
  return {
    pids: () => [],
    isFar: () => false,
    signal: () => {},
    async stop() {
      stop.abort()
      await Promise.all(all)
    },
  }
}
