import { Arena } from './arena'
import { base64 as codesText, named as namedCodes, type Calls as CodeCalls } from './generated/codes'
import { base64 as floatsText, named as namedFloats, type Calls as FloatCalls } from './generated/floats'
import { base64 as sketchesText, named as namedSketches, type Calls as SketchCalls } from './generated/sketches'
import { Staging } from './staging'

/** A part of the kernels, compiled; all parts share one memory. */
export interface Machine<C = FloatCalls> {
  readonly wasm: C
  readonly arena: Arena
}
export type CodeMachine = Machine<FloatCalls & CodeCalls>
export type SketchMachine = Machine<FloatCalls & SketchCalls>

let arena: Arena | undefined
let scratch: Staging | undefined
let first: Machine | undefined
let whole: WebAssembly.Exports | undefined

/** Takes from the host a module that has all parts, or its bytes; to be called before any part is asked for. */
export function useModule(given: WebAssembly.Module | BufferSource): void {
  const isBytes = ArrayBuffer.isView(given) || Object.prototype.toString.call(given) === '[object ArrayBuffer]'
  whole = exportsOf(isBytes ? new WebAssembly.Module(given as BufferSource) : (given as WebAssembly.Module))
}

/** The part with products, attention and features, on which every other part stands; compiled synchronously at the first call, once. */
export function simdMachine(): Machine {
  return (first ??= { wasm: callsOf(floatsText, namedFloats), arena: memory() })
}

export function codeMachine(): CodeMachine {
  return { wasm: { ...simdMachine().wasm, ...callsOf(codesText, namedCodes) }, arena: memory() }
}

export function sketchMachine(): SketchMachine {
  return { wasm: { ...simdMachine().wasm, ...callsOf(sketchesText, namedSketches) }, arena: memory() }
}

/** The scratch of all parts: each call lays it out anew. */
export function staging(): Staging {
  return (scratch ??= new Staging(memory()))
}

function memory(): Arena {
  return (arena ??= new Arena())
}

function callsOf<E, C>(base64: string, named: (exports: E) => C): C {
  return named((whole ?? exportsOf(new WebAssembly.Module(bytesOf(base64)))) as E)
}

function exportsOf(module: WebAssembly.Module): WebAssembly.Exports {
  return new WebAssembly.Instance(module, { env: { memory: memory().memory } }).exports
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
