import type { SketchKernels } from './sketch-kernels'
import { affineWords } from './scalar/affine-words'
import { cubicEntries } from './scalar/cubic-entries'
import { hadamardAdd } from './scalar/hadamard'
import { normalColumns } from './scalar/normal-columns'
import { polynomials } from './scalar/polynomials'
import { expandSigns, scatterAdd } from './scalar/signs'

/** The kernels of random matrices in plain JavaScript: the same bits as in WASM SIMD. */
export const scalarSketchKernels: SketchKernels = {
  name: 'scalar',
  affineWords,
  polynomials,
  expandSigns,
  scatterAdd,
  normalColumns,
  cubicEntries,
  hadamardAdd,
}
