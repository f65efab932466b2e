import { Worker } from 'node:worker_threads'
import { builtProgram } from './built-program'
import type { ShardPlan } from './plan'

/** A complete task for a thread, since a thread has no store. */
export interface ThreadTask {
  readonly plan: ShardPlan
  readonly node: string
  readonly inputs: readonly Uint8Array[]
  readonly engine: string
}

/** Message of a thread: rows that were pushed, bytes at the end, or the error. */
export type ThreadMessage =
  | { readonly rows: number }
  | { readonly bytes: Uint8Array }
  | { readonly fault: { readonly name: string; readonly message: string } }

export interface ThreadPool {
  /** Computes in a free thread. When the signal is aborted, the thread is ended, whatever it does. */
  compute(task: ThreadTask, calls: { onRows(rows: number): void; readonly signal: AbortSignal }): Promise<Uint8Array>
  close(): Promise<void>
}

/** Makes a pool of at most `most` threads; each is begun when it is first needed, and kept. */
export function threadPool(most: number): ThreadPool {
  const idle: Worker[] = []
  const busy = new Set<Worker>()
  const begun = () => {
    const thread = new Worker(builtProgram('compute-thread'))
    thread.on('error', () => {}) // whoever waits for the thread is told; an idle one is dropped
    thread.on('exit', () => {
      const at = idle.indexOf(thread)
      if (at >= 0) idle.splice(at, 1)
    })
    return thread
  }
  return {
    compute(task, { onRows, signal }) {
      const thread = idle.pop() ?? begun()
      busy.add(thread)
      return new Promise((resolve, reject) => {
        const leave = (isFree: boolean) => {
          thread.off('message', hear)
          thread.off('error', fail)
          thread.off('exit', end)
          signal.removeEventListener('abort', abort)
          busy.delete(thread)
          if (isFree && idle.length < most) idle.push(thread)
          else void thread.terminate()
        }
        const give = (error: Error) => {
          leave(false)
          reject(error)
        }
        const abort = () => give(new Error(`work: ${task.node} is no longer this worker's`))
        const fail = (error: Error) => give(error)
        const end = (code: number) => give(new Error(`work: the thread of ${task.node} ended with ${code}`))
        const hear = (message: ThreadMessage) => {
          if ('rows' in message) return onRows(message.rows)
          leave(true)
          if ('bytes' in message) resolve(message.bytes)
          else reject(errorOf(message.fault))
        }
        if (signal.aborted) return abort()
        signal.addEventListener('abort', abort)
        thread.on('message', hear)
        thread.on('error', fail)
        thread.on('exit', end)
        thread.postMessage(task, [])
      })
    },
    async close() {
      await Promise.all([...idle, ...busy].map((thread) => thread.terminate()))
      idle.length = 0
    },
  }
}

/** Makes an error again; the two kinds that are final keep their kind. */
function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  if (name === 'RangeError') return new RangeError(message)
  return name === 'TypeError' ? new TypeError(message) : new Error(message)
}
