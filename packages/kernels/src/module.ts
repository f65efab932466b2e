import { Arena } from './arena'
import { named, type Calls, type Exports } from './generated/bindings'
import { simdModule } from './generated/simd'

/** The compiled module with its memory. */
export interface Machine {
  readonly wasm: Calls
  readonly arena: Arena
}

let machine: Machine | undefined

/** Compiled synchronously at the first call, once. */
export function simdMachine(): Machine {
  if (!machine) {
    const text = atob(simdModule)
    const bytes = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
    const arena = new Arena()
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: arena.memory } })
    machine = { wasm: named(exports as Exports), arena }
  }
  return machine
}
