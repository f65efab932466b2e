import type { Browser, Page } from 'playwright-core'

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/**
 * The longest task of the page's main thread while something is done, in milliseconds of that thread's own time: what else the machine computes meanwhile does not count.
 */
export async function longestTask(browser: Browser, page: Page, act: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
  await act()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  const place = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`
  const main = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(place),
  )
  const tasks = traceEvents.filter((event) => main.has(place(event)) && event.name.endsWith('RunTask'))
  if (tasks.length < 100) throw new Error(`the trace has only ${tasks.length} tasks`)
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1000), 0)
}
