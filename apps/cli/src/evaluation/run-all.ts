import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Tinypool } from 'tinypool'
import { progressBar } from '../progress'
import type { ModelAdvice } from '@sublinear/small-lm'
import type { AdviceTask } from './advise-cell'
import type { Resume } from './resume-file'
import { keyOf, type Cell, type Outcome, type Task } from './task'

export interface Running {
  /** Number of threads. Default: as many as there are cores. */
  readonly workers?: number | undefined
  readonly signal: AbortSignal
  readonly quiet: boolean
}

/**
 * Runs tasks on threads, under a progress bar that counts tokens; every outcome is kept as soon as it is there.
 *
 * @throws the signal's reason when interrupted; finished outcomes are kept
 */
export function readAll(tasks: readonly Task[], resume: Resume, running: Running): Promise<void> {
  return onThreads<Task, Outcome>(tasks, 'read', {
    ...running,
    title: 'reading',
    sizeOf: ({ cell }) => cell.tokens,
    unit: 'tokens',
    take: ({ cell, trial }, outcome) => resume.add(keyOf(cell, trial), outcome),
  })
}

/** Finds advice for cells; each is given as soon as it is there. */
export function adviseAll(
  tasks: readonly AdviceTask[],
  take: (cell: Cell, advice: ModelAdvice) => Promise<void>,
  running: Running,
): Promise<void> {
  return onThreads<AdviceTask, ModelAdvice>(tasks, 'advise', {
    ...running,
    title: 'advising',
    sizeOf: () => 1,
    unit: 'cells',
    take: ({ cell }, advice) => take(cell, advice),
  })
}

interface OnThreads<Given, Found> extends Running {
  readonly title: string
  readonly sizeOf: (given: Given) => number
  readonly unit: string
  readonly take: (given: Given, found: Found) => void | Promise<void>
}

/** Runs tasks on threads; `name` is the function that the worker exports. */
async function onThreads<Given, Found>(
  all: readonly Given[],
  name: string,
  { workers = availableParallelism(), signal, quiet, title, sizeOf, unit, take }: OnThreads<Given, Found>,
): Promise<void> {
  if (all.length === 0) return
  const threads = Math.min(workers, all.length)
  const filename = fileURLToPath(new URL('evaluation-worker.js', import.meta.url))
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads })
  const total = all.reduce((sum, given) => sum + sizeOf(given), 0)
  const bar = progressBar(title, total, quiet, unit)
  let done = 0
  try {
    await Promise.all(
      all.map(async (given) => {
        await take(given, (await pool.run(given, { name, signal })) as Found)
        bar.update((done += sizeOf(given)))
      }),
    )
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    bar.stop()
    await pool.destroy()
  }
}
