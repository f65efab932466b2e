import type { Kernels } from './kernels'
import { scalarKernels } from './scalar'
import { simdKernels } from './simd'

let chosen: Kernels | undefined

/** The fastest kernels that this engine runs: WASM SIMD, or the scalar reference where it is missing. Always the same object. */
export function kernels(): Kernels {
  chosen ??= hasSimd() ? simdKernels() : scalarKernels
  return chosen
}

/** Whether the engine accepts a module whose one function is `v128.const 0; drop`. */
function hasSimd(): boolean {
  if (typeof WebAssembly === 'undefined') return false
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const types = [1, 4, 1, 0x60, 0, 0]
  const functions = [3, 2, 1, 0]
  const body = [0, 0xfd, 12, ...Array.from({ length: 16 }, () => 0), 0x1a, 0x0b]
  const code = [10, body.length + 2, 1, body.length, ...body]
  return WebAssembly.validate(Uint8Array.from([...head, ...types, ...functions, ...code]))
}
