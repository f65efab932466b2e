import { fork } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nameOf, type Cell, type ModelName } from './cells.ts'
import type { PromptSet } from './prompt-sets.ts'

/** Work that one process does at a time: a cell, or the recipes of a layer. */
export type Job = CellJob | RecipeJob

export interface CellJob {
  readonly kind: 'cell'
  readonly set: PromptSet['name']
  readonly cell: Cell
}

export interface RecipeJob {
  readonly kind: 'recipes'
  readonly method: string
  readonly model: ModelName
  readonly share: number
  readonly layer: number
}

export interface Done {
  readonly result: unknown
  /** Processor time in seconds. */
  readonly seconds: number
}

const cache = fileURLToPath(new URL('../cache/whole-models/', import.meta.url))
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
const fileOf = (job: Job) => `${cache}${jobName(job)}.json`
const isDone = (job: Job) => existsSync(fileOf(job))

export const jobName = (job: Job) =>
  job.kind === 'recipes'
    ? `recipes-${job.method}-${job.model}-${job.share}-${job.layer}`
    : `${job.set === 'evidence' ? '' : `${job.set}-`}${nameOf(job.cell)}`

export const cellJobs = (set: PromptSet['name'], cells: readonly Cell[]) =>
  cells.map((cell): CellJob => ({ kind: 'cell', set, cell }))

/** Jobs that an earlier run finished. */
export function finished(jobs: readonly Job[]): Done[] {
  return jobs.filter(isDone).map((job) => JSON.parse(readFileSync(fileOf(job), 'utf8')) as Done)
}

export function forget(jobs: readonly Job[]): void {
  for (const job of jobs) rmSync(fileOf(job), { force: true })
}

/** Runs what no earlier run has finished, in so many processes; each is kept as it ends, so a run may be killed and go on. */
export async function runJobs(
  jobs: readonly Job[],
  processes: number,
  onProgress: (done: number, of: number, last: string) => void,
): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const waiting = jobs.filter((job) => !isDone(job))
  const all = waiting.length
  let done = 0
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(worker)
      let job: Job | undefined
      const next = () => {
        do job = waiting.shift()
        while (job && isDone(job)) // by another run beside this one
        if (job) child.send(job)
        else child.disconnect()
      }
      child.on('message', (found: Done) => {
        const file = fileOf(job!)
        writeFileSync(`${file}.part`, JSON.stringify(found))
        renameSync(`${file}.part`, file)
        onProgress(++done, all, `${jobName(job!)}, ${found.seconds.toFixed(1)} s`)
        next()
      })
      child.on('error', reject)
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`evidence: a process ended with ${code}`))))
      next()
    })
  await Promise.all(Array.from({ length: Math.min(processes, all) }, work))
}
