import { Arena } from './arena'
import { named, type Calls, type Exports } from './generated/bindings'
import { simdModule } from './generated/simd'

/** The compiled module with its memory. */
export interface Machine {
  readonly wasm: Calls
  readonly arena: Arena
}

let machine: Machine | undefined

/** Compiled synchronously at the first call, once; from a module or bytes of the caller's where they are given then. */
export function simdMachine(given?: WebAssembly.Module | BufferSource): Machine {
  if (!machine) {
    const module = compiled(given ?? embedded())
    const arena = new Arena()
    const { exports } = new WebAssembly.Instance(module, { env: { memory: arena.memory } })
    machine = { wasm: named(exports as Exports), arena }
  }
  return machine
}

function compiled(given: WebAssembly.Module | BufferSource): WebAssembly.Module {
  const isBytes = ArrayBuffer.isView(given) || Object.prototype.toString.call(given) === '[object ArrayBuffer]'
  return isBytes ? new WebAssembly.Module(given as BufferSource) : (given as WebAssembly.Module)
}

function embedded(): Uint8Array<ArrayBuffer> {
  const text = atob(simdModule)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
