import { checkObject, layer, restoreLayer, type Layer, type LayerOptions, type Method } from '@sublinear/core'
import { catalogue, openStream } from '@sublinear/attention'
import { kernels } from '@sublinear/kernels'
import { caller, newMemory, type Waiting } from './channel'
import type { Thread } from './remote-share'
import type { Setting } from './serve-layers'
import { spread, type SpreadLayer } from './spread-layer'

const WHO = 'startThreads'
const FIRST_PAYLOAD = 1 << 20

/** A thread as the side that starts it sees it. */
export interface ThreadHandle {
  post(message: unknown): void
  /** Calls back for messages, and for an error that ends the thread. */
  listen(message: (message: unknown) => void, failed: (error: Error) => void): void
  end(): void
}

export interface ThreadsOptions {
  /** Number of threads that work, the calling one included, at least 1. More than there are cores do not pay. */
  readonly workers: number
  /** Starts one thread, in which `serveLayers` is called. */
  readonly start: () => ThreadHandle
  /** Microseconds that an idle thread spins before it sleeps, and this one before it waits. Default 200; waking a sleeping thread takes some 50. */
  readonly spin?: number | undefined
  /** Seconds after which a silent thread is given up. Default 600. */
  readonly patience?: number | undefined
}

/** Threads that take shares of layers. */
export interface Threads extends Disposable {
  /** Number of threads, this one included. */
  readonly workers: number
  /**
   * Makes a layer whose heads are spread over the threads, in equal shares.
   *
   * Guarantee: the bits of `layer` with the same options, for any number of threads.
   *
   * @throws TypeError, RangeError as `layer` does, and where a thread does not know the method of a stream
   */
  layer(options: LayerOptions): SpreadLayer
  /** Restores a layer from its snapshot, spread over the threads. @throws RangeError as `restoreLayer` does */
  restoreLayer(bytes: Uint8Array, methods?: readonly Method[]): SpreadLayer
}

/**
 * Starts threads for layers. Calls of such a layer are synchronous: they return when all threads have answered.
 *
 * Cost: a call to a thread takes some microseconds, and each thread compiles the kernels and has memory of its own.
 *
 * @throws Error where there is no SharedArrayBuffer (a page must be cross-origin isolated), or a thread does not start
 */
export async function startThreads(options: ThreadsOptions): Promise<Threads> {
  const { workers, start, spin = 200, patience = 600 } = checkObject('startThreads', options)
  if (!Number.isInteger(workers) || workers < 1)
    throw new RangeError(`${WHO}: workers must be an integer >= 1, got ${String(workers)}`)
  for (const [name, value] of Object.entries({ spin, patience }))
    if (!(value >= 0 && value < Infinity)) throw new RangeError(`${WHO}: ${name} must be >= 0, got ${String(value)}`)
  if (typeof SharedArrayBuffer === 'undefined')
    throw new Error(
      `${WHO}: there is no SharedArrayBuffer; a page has one when it is served with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp`,
    )
  const waiting: Waiting = { spin: spin / 1000, patience: patience * 1000 }
  const handles: ThreadHandle[] = []
  const end = () => {
    for (const handle of handles.splice(0)) handle.end()
  }
  let threads: readonly Thread[]
  try {
    threads = await Promise.all(
      Array.from({ length: workers - 1 }, () => {
        const handle = start()
        handles.push(handle)
        return opened(handle, waiting)
      }),
    )
  } catch (error) {
    end()
    throw error
  }
  let isEnded = false
  const shared = (whole: () => Layer): SpreadLayer => {
    if (isEnded) throw new TypeError('threads.layer: the threads were ended')
    return spread(whole(), threads)
  }
  return {
    workers,
    layer: (options) => shared(() => layer(options)),
    restoreLayer: (bytes, methods = catalogue) =>
      shared(() => restoreLayer(bytes, (part) => openStream(part, methods))),
    [Symbol.dispose]() {
      isEnded = true
      end()
    },
  }
}

/** Waits until a thread has said that it is ready. */
function opened(handle: ThreadHandle, waiting: Waiting): Promise<Thread> {
  let memory = newMemory(FIRST_PAYLOAD)
  let failure: Error | undefined
  const setting = (): Setting => ({ memory, spin: waiting.spin, isScalar: kernels().name === 'scalar' })
  const calls = caller('threads.layer', () => memory.payload, memory.control, waiting)
  const thread: Thread = {
    caller: {
      start(request) {
        if (failure) throw failure
        calls.start(request)
      },
      wait: () => calls.wait(),
      get work() {
        return calls.work
      },
    },
    payload: () => memory.payload,
    reserve(bytes) {
      if (bytes <= memory.payload.byteLength) return
      memory = { ...memory, payload: new SharedArrayBuffer(Math.max(bytes, 2 * memory.payload.byteLength)) }
      calls.start({ command: 'pause', layer: 0 })
      calls.wait()
      handle.post(setting())
    },
  }
  return new Promise((resolve, reject) => {
    handle.listen(
      (message) => {
        const { failed } = message as { failed?: string | undefined }
        if (failed === undefined) resolve(thread)
        else reject(new Error(`${WHO}: a thread did not start: ${failed}`))
      },
      (error) => {
        failure = new Error(`threads.layer: a thread ended: ${error.message}`, { cause: error })
        reject(failure)
      },
    )
    handle.post(setting())
  })
}
