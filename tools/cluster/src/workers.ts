import { fork, type ChildProcess } from 'node:child_process'

/** Worker processes, so many, replaced as they die. */
export function startWorkers(count: number, options: object) {
  const program = new URL('./worker.ts', import.meta.url)
  const alive = new Map<number, ChildProcess>()
  let isOver = false
  let begun = 0
  const start = () => {
    const child = fork(program, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    begun++
    alive.set(child.pid!, child)
    child.on('exit', () => {
      alive.delete(child.pid!)
      if (!isOver) start()
    })
  }
  for (let i = 0; i < count; i++) start()
  return {
    /** Whether that process is one of them, and lives. */
    has: (pid: number) => alive.has(pid),
    get begun() {
      return begun
    },
    signal: (pid: number, which: NodeJS.Signals) => alive.get(pid)?.kill(which),
    async stop() {
      isOver = true
      const ends = [...alive.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of alive.values()) child.kill('SIGKILL')
      await Promise.all(ends)
    },
  }
}

export type Workers = ReturnType<typeof startWorkers>
