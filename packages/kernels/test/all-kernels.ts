import * as own from '../src/index'
import type { CodeKernels, SketchKernels } from '../src/index'

/** All kernels of one kind as one object: their names are different, but for addShares, which over codes is addCodeShares. */
export type Kernels = own.Kernels &
  Omit<CodeKernels, 'addShares'> &
  SketchKernels & { readonly addCodeShares: CodeKernels['addShares'] }

const all = (floats: own.Kernels, codes: CodeKernels, sketches: SketchKernels): Kernels => {
  const { addShares: addCodeShares, ...rest } = codes
  return { ...rest, ...sketches, ...floats, addCodeShares }
}

let simd: Kernels | undefined
export const simdKernels = (): Kernels =>
  (simd ??= all(own.simdKernels(), own.simdCodeKernels(), own.simdSketchKernels()))
export const scalarKernels: Kernels = all(own.scalarKernels, own.scalarCodeKernels, own.scalarSketchKernels)
