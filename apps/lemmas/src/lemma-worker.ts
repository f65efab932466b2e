import { count, type Count } from './count.ts'
import type { Settings } from './statement.ts'
import { trials } from './trials/index.ts'

/** A wish of the page: to count the trials of a statement under a number, or to stop that. */
export type Wish =
  | { readonly id: number; readonly name: string; readonly settings: Settings; readonly trials: number }
  | { readonly id: number; readonly stop: true }

/** An answer of the worker: some more trials, or what went wrong. */
export type Told = { readonly id: number; readonly some: Count } | { readonly id: number; readonly problem: string }

/** Milliseconds of counting between two answers. */
const A_TURN = 50
/** Numbers of the counts that are under way. */
const running = new Set<number>()

addEventListener('message', ({ data }: MessageEvent<Wish>) => {
  if ('stop' in data) running.delete(data.id)
  else void counted(data)
})

/** Counts all trials, a turn at a time; between turns messages come in. */
async function counted({ id, name, settings, trials: all }: Exclude<Wish, { readonly stop: true }>): Promise<void> {
  running.add(id)
  try {
    const ready = trials[name](settings)
    let [done, size] = [0, 1]
    while (done < all && running.has(id)) {
      const start = performance.now()
      const some = count(ready, 1 + done, Math.min(size, all - done))
      done += some.trials
      postMessage({ id, some } satisfies Told)
      size = Math.max(1, Math.min(2 * size, Math.floor((size * A_TURN) / Math.max(1, performance.now() - start))))
      await new Promise((resolve) => {
        setTimeout(resolve, 0)
      })
    }
  } catch (error) {
    postMessage({ id, problem: error instanceof Error ? error.message : String(error) } satisfies Told)
  }
  running.delete(id)
}
