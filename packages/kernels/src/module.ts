import { Arena } from './arena'
import { hex as codesText, named as namedCodes, type Calls as CodeCalls } from './generated/codes'
import { hex as featuresText, named as namedFeatures, type Calls as FeatureCalls } from './generated/features'
import { hex as floatsText, named as namedFloats, type Calls as FloatCalls } from './generated/floats'
import { hex as probeText, named as namedProbe, type Calls as ProbeCalls } from './generated/probe'
import { hex as sketchesText, named as namedSketches, type Calls as SketchCalls } from './generated/sketches'
import { Staging } from './staging'

/** A part of the kernels, compiled; all parts share one memory. */
export interface Machine<C = FloatCalls> {
  readonly wasm: C
  readonly arena: Arena
}
export type FeatureMachine = Machine<FloatCalls & FeatureCalls>
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

export function featureMachine(): FeatureMachine {
  return { wasm: { ...simdMachine().wasm, ...callsOf(featuresText, namedFeatures) }, arena: memory() }
}

/** Compiles what benches alone call. */
export function probeCalls(): ProbeCalls {
  return callsOf(probeText, namedProbe)
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

function callsOf<E, C>(hex: string, named: (exports: E) => C): C {
  return named((whole ?? exportsOf(new WebAssembly.Module(bytesOf(hex)))) as E)
}

function exportsOf(module: WebAssembly.Module): WebAssembly.Exports {
  return new WebAssembly.Instance(module, { env: { memory: memory().memory } }).exports
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < hex.length; i++) {
    const code = hex.charCodeAt(i)
    bytes[i >> 1] = (bytes[i >> 1] << 4) | ((code & 15) + 9 * (code >> 6)) // a letter is 64 and its place, a digit 48 and its value
  }
  return bytes
}
