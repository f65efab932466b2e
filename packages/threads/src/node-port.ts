import { parentPort } from 'node:worker_threads'
import type { ThreadPort } from './serve-layers'

/** The port of a thread of Node, for `serveLayers`. @throws TypeError outside of one */
export function nodePort(): ThreadPort {
  const port = parentPort
  if (!port) throw new TypeError('nodePort: must be called in a worker thread')
  return { post: (message) => port.postMessage(message, []), listen: (handler) => void port.on('message', handler) }
}
