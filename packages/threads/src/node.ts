import { checkObject } from '@sublinear/core'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { startThreads as start, type ThreadHandle, type Threads, type ThreadsOptions } from './threads'

export { nodePort } from './node-port'
export { serveLayers } from './serve-layers'
export type { SpreadLayer } from './spread-layer'
export type { Threads } from './threads'

export interface NodeThreadsOptions extends Omit<ThreadsOptions, 'start'> {
  /** A module that calls `serveLayers(nodePort(), methods)`, for methods of your own. Default: a module that knows the catalogue. */
  readonly module?: URL | string | undefined
}

/**
 * Starts threads of Node (Deno, Bun) for layers. They do not keep the process alive.
 *
 * @throws RangeError, Error as `startThreads` of the main entry does
 * @example
 * const threads = await startThreads({ workers: 1 })
 * threads.layer({ queryHeads: 2, kvHeads: 2, make: () => exactStream({ d: 2, dv: 2, scale: 1 }) }).tokens // 0
 * threads[Symbol.dispose]()
 */
export function startThreads(options: NodeThreadsOptions): Promise<Threads> {
  const { module = ownModule(), ...others } = checkObject('startThreads', options)
  return start({ ...others, start: () => handleOf(new Worker(module, startOptions())) })
}

function handleOf(worker: Worker): ThreadHandle {
  return {
    post: (message) => worker.postMessage(message, []),
    listen(message, failed) {
      worker.on('message', (said) => {
        message(said)
        worker.unref() // the module exists; only a start is waited for
      })
      worker.on('error', failed)
      worker.on('exit', (code) => failed(new Error(`exit code ${code}`)))
    },
    end: () => void worker.terminate(),
  }
}

/** The module beside this one, in either build; where this file is run from source, that of the build. */
function ownModule(): URL {
  const here = typeof __filename === 'undefined' ? import.meta.url : pathToFileURL(__filename).href
  const module = { cjs: './node-worker.cjs', ts: '../dist/node-worker.js' }[/\.(cjs|ts)$/.exec(here)?.[1] ?? '']
  return new URL(module ?? './node-worker.js', here)
}

/**
 * Options with which a thread begins: Node's arguments of this process. A thread would refuse those that say how a script given as text is read, and then gets none
 * at all, since in a list it would also refuse those of V8.
 */
function startOptions(): { execArgv?: string[] | undefined } {
  return process.execArgv.some((argument) => argument.startsWith('--input-type')) ? { execArgv: [] } : {}
}
