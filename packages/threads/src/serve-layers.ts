import { catalogue, openStream, type Method } from '@sublinear/attention'
import { checkObject, layer, useKernels, type Layer, type Given } from '@sublinear/core'
import { COMMANDS, serve, type Memory, type Reply, type Request } from './channel'
import { arraysIn, copyPartial, widthsOf } from './payload'
import { packed, unpacked } from './share'

/** The other end of a worker thread, as the thread sees it. */
export interface ThreadPort {
  post(message: unknown): void
  listen(handler: (message: unknown) => void): void
}

/** A message to a thread: shared memory; the first one also says how the thread waits, and which kernels it uses. */
export interface Setting {
  readonly memory: Memory
  readonly spin: number
  readonly isScalar: boolean
}

/**
 * Answers for the heads of layers that another thread shares out. The thread that calls it does nothing else from then on.
 *
 * @param port  source of the first message: `self` of a page's worker, wrapped, or `nodePort()` of `@sublinear/threads/node`
 * @param methods  methods whose streams may come; a module of your own can add methods of your own. Default: the catalogue
 */
export function serveLayers(port: ThreadPort, methods: readonly Method[] = catalogue): void {
  if (typeof checkObject('serveLayers', port, 'port').listen !== 'function')
    throw new TypeError('serveLayers: port must have post and listen')
  const layers = new Map<number, Layer>()
  let isReady = false
  port.listen((message) => {
    const { memory, spin, isScalar } = message as Setting
    if (!isReady) {
      try {
        if (isScalar) useKernels('scalar')
      } catch (error) {
        port.post({ failed: String(error) })
        return
      }
      isReady = true
      port.post({ ready: true })
    }
    serve(memory, { spin }, (request) => answerOf(request, memory.payload, layers, methods))
  })
}

function answerOf(
  request: Given<Request>,
  payload: SharedArrayBuffer,
  layers: Map<number, Layer>,
  methods: readonly Method[],
): Reply {
  const bytes = new Uint8Array(payload)
  if (request.command === 'open') {
    const { queryHeads, streams } = unpacked(bytes)
    const open = (h: number) => openStream(streams[h], methods)
    layers.set(request.layer, layer({ queryHeads, kvHeads: streams.length, make: open }))
    return { length: 0 }
  }
  const own = layers.get(request.layer)
  if (!own) throw new Error(`threads: no layer ${request.layer}`)
  const arrays = () => arraysIn(payload, widthsOf(own), request)
  const later = () => ({ toBytes: () => bytes.slice(0, request.rows) })
  const write = (long: Uint8Array): Reply => {
    if (long.length > bytes.length) return { length: long.length, fits: false }
    bytes.set(long)
    return { length: long.length }
  }
  switch (request.command) {
    case 'checkPush':
      own.check.push(arrays().block)
      break
    case 'push':
      own.push(arrays().block)
      break
    case 'checkStep': {
      const { block, queries } = arrays()
      own.check.step(block, queries)
      break
    }
    case 'step': {
      const { block, queries, answers } = arrays()
      copyPartial(answers, own.step(block, queries))
      break
    }
    case 'attend': {
      const { queries, answers } = arrays()
      copyPartial(answers, own.attend(queries))
      break
    }
    case 'checkMerge':
      own.check.merge(later())
      break
    case 'merge':
      own.merge(later())
      break
    case 'save':
      return write(packed({ queryHeads: own.queryHeads, streams: own.streams.map((stream) => stream.toBytes()) }))
    case 'fork':
      layers.set(request.rows, own.fork())
      break
    case 'reset':
      own.reset()
      break
    case 'checkTakeBack':
      own.check.takeBack?.(request.rows)
      break
    case 'takeBack':
      own.takeBack(request.rows)
      break
    case 'state':
      return write(
        new TextEncoder().encode(
          JSON.stringify({ bytes: own.bytes, spare: String(own.spare), counters: own.counters }),
        ),
      )
    case 'close':
      own[Symbol.dispose]()
      layers.delete(request.layer)
      break
    default:
      throw new Error(`threads: no command ${COMMANDS.indexOf(request.command)}`)
  }
  return { length: 0 }
}
