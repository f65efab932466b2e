import { parentPort, workerData } from 'node:worker_threads'
import { scanArrow } from './arrow-scan'
import type { Answer } from './scan-apart'

const { path, name } = workerData as { readonly path: string; readonly name: string | undefined }
const answer: Answer = await scanArrow(path, name).then(
  (found) => ({ found }),
  (error: Error) => ({ message: error.message, isRange: error instanceof RangeError }),
)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads
parentPort?.postMessage(answer)
