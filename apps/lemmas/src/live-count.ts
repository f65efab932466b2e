import { together, type Count } from './count.ts'
import type { Told, Wish } from './lemma-worker.ts'
import type { Settings, Statement } from './statement.ts'

/** A listener of one count: more trials were made, or something went wrong. */
export interface Listener {
  readonly more: (count: Count) => void
  readonly wrong: (problem: string) => void
}

let worker: Worker | undefined
let last = 0
const listeners = new Map<number, (told: Told) => void>()

/** Counts the trials of a statement in a worker, which all statements of a page share, and tells what was counted so far. Returns a function that ends it. */
export function liveCount({ name, trials }: Statement, settings: Settings, { more, wrong }: Listener): () => void {
  const id = ++last
  let all: Count | undefined
  listeners.set(id, (told) => {
    if ('problem' in told) return wrong(told.problem)
    all = all ? together(all, told.some) : told.some
    more(all)
  })
  send({ id, name, settings, trials })
  return () => {
    listeners.delete(id)
    send({ id, stop: true })
  }
}

function send(wish: Wish): void {
  worker ??= started()
  worker.postMessage(wish, [])
}

function started(): Worker {
  const own = new Worker(new URL('./lemma-worker.ts', import.meta.url), { type: 'module' })
  own.addEventListener('message', ({ data }: MessageEvent<Told>) => listeners.get(data.id)?.(data))
  own.addEventListener('error', ({ message }) => {
    for (const [id, listen] of listeners) listen({ id, problem: message || 'the worker did not load' })
  })
  return own
}
