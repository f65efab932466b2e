import type { Step } from './tournament'

export interface Driven {
  readonly signal?: AbortSignal | undefined
  /** Called after each piece of work, and awaited. */
  readonly onProgress?: ((progress: Step) => unknown) | undefined
}

/**
 * Runs a search piece by piece and gives the event loop a turn after each, so that a timer or a click can stop it.
 *
 * @throws the signal's reason once it is aborted
 */
export async function drive<Result>(search: Generator<Step, Result>, { signal, onProgress }: Driven): Promise<Result> {
  try {
    for (;;) {
      signal?.throwIfAborted()
      const piece = search.next()
      if (piece.done) return piece.value
      await onProgress?.(piece.value)
      await turn()
    }
  } finally {
    search.return(undefined as never) // disposes of the stream that was being tried
  }
}

/** Waits one turn of the event loop, which a promise alone does not do. */
function turn(): Promise<void> {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel()
    const end = () => {
      port1.close()
      done()
    }
    port1.addEventListener('message', end, { once: true })
    port1.start()
    port2.postMessage(undefined)
  })
}
