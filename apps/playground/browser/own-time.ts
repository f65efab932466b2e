import type { Browser, Page } from 'playwright-core'

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of a task by the clock, and of the thread's own time. */
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Own time of a page's threads: what else the machine computes does not count in it. */
export interface OwnTime {
  /** Milliseconds of the longest task of the main thread. */
  readonly longest: number
  /** How many times as long the tasks of the workers took by the clock. */
  readonly slowed: number
}

/** Measures the own time of the main thread and of the workers of a page while something is done, from Chromium's trace. */
export async function ownTime(browser: Browser, page: Page, act: () => Promise<void>): Promise<OwnTime> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
  await act()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  const tasksOf = (thread: string) => {
    const own = new Set(
      traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === thread).map(place),
    )
    const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && own.has(place(event)))
    if (tasks.length < 100) throw new Error(`the trace has only ${tasks.length} tasks of ${thread}`)
    return tasks
  }
  const workers = tasksOf('DedicatedWorker thread')
  return {
    longest: tasksOf('CrRendererMain').reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1000), 0),
    slowed: sum(workers.map(({ dur = 0 }) => dur)) / sum(workers.map(({ tdur = 0 }) => tdur)),
  }
}

const place = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
