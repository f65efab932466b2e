import { parentPort } from 'node:worker_threads'
import { computeNode } from './compute-node'
import { engineOf } from './plan-key'
import type { ThreadMessage, ThreadTask } from './thread-pool'

/** Program of a compute thread: a task comes in, numbers of rows and then bytes go out. */
const port = parentPort!
const TOLD_MS = 250 // between two messages: each costs work in worker, broker and coordinator

const say = (message: ThreadMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

port.on('message', async ({ plan, node, inputs, engine }: ThreadTask) => {
  try {
    if (engineOf() !== engine)
      throw new RangeError(`work: the thread computes on ${engineOf()}, its worker said ${engine}`)
    let next = 0
    const bytes = await computeNode(plan, node, inputs, (rows) => {
      if (performance.now() < next) return
      next = performance.now() + TOLD_MS
      say({ rows })
    })
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
    say({ bytes: own }, [own.buffer as ArrayBuffer])
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
    say({ fault: { name, message } })
  }
})
