import * as own from '../src/index'
import type { AttentionKernels, CodeKernels, FeatureKernels, SketchKernels } from '../src/index'

/** All kernels of one kind as one object: their names are different, but for addShares, which over codes is addCodeShares. */
export type Kernels = own.Kernels &
  AttentionKernels &
  Omit<CodeKernels, 'addShares'> &
  FeatureKernels &
  SketchKernels & { readonly addCodeShares: CodeKernels['addShares'] }

const all = (
  floats: own.Kernels,
  attention: AttentionKernels,
  features: FeatureKernels,
  codes: CodeKernels,
  sketches: SketchKernels,
): Kernels => {
  const { addShares: addCodeShares, ...rest } = codes
  return { ...rest, ...sketches, ...features, ...attention, ...floats, addCodeShares }
}

let simd: Kernels | undefined
export const simdKernels = (): Kernels =>
  (simd ??= all(
    own.simdKernels(),
    own.simdAttentionKernels(),
    own.simdFeatureKernels(),
    own.simdCodeKernels(),
    own.simdSketchKernels(),
  ))
export const scalarKernels: Kernels = all(
  own.scalarKernels,
  own.scalarAttentionKernels,
  own.scalarFeatureKernels,
  own.scalarCodeKernels,
  own.scalarSketchKernels,
)
