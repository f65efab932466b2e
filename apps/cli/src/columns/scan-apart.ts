import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { scanArrow, type Scanned } from './arrow-scan'

/** Seconds that the first reading may take, whatever the size; and bytes a second of further time. */
const [SECONDS, BYTES_A_SECOND] = [15, 4 * 2 ** 20]

/** Answer of the thread: the column that it found, or its error. */
export type Answer = { readonly found: Scanned } | { readonly message: string; readonly isRange: boolean }

/** The built thread: beside the command, or, where the sources are run, in the last build. */
const thread = ['./arrow-worker.js', '../../dist/arrow-worker.js']
  .map((path) => new URL(path, import.meta.url))
  .find((url) => url.protocol === 'file:' && existsSync(url))

/**
 * Reads an Arrow file once in a thread of its own, which ends after a time that grows with the file's size.
 *
 * @throws Error, RangeError as scanArrow, and Error when the time is over
 */
export async function scanApart(path: string, name: string | undefined): Promise<Scanned> {
  if (thread === undefined) return scanArrow(path, name)
  const size = await stat(path).then(
    (info) => info.size,
    () => 0, // the thread says why it failed
  )
  const seconds = Math.ceil(SECONDS + size / BYTES_A_SECOND)
  const worker = new Worker(thread, { workerData: { path, name } })
  let timer: NodeJS.Timeout | undefined
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${path}: cannot be read as Arrow (not done after ${seconds} s; is it damaged?)`)),
        seconds * 1000,
      )
      worker.once('message', resolve)
      worker.once('error', (cause) =>
        reject(new Error(`${path}: cannot be read as Arrow (${cause.message})`, { cause })),
      )
      worker.once('exit', () => reject(new Error(`${path}: cannot be read as Arrow (the thread that read it ended)`)))
    })
    if ('found' in answer) return answer.found
    throw new (answer.isRange ? RangeError : Error)(answer.message)
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
