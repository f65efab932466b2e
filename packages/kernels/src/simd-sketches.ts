import type { SketchKernels } from './sketch-kernels'
import { sketchMachine, staging } from './module'
import { simdAffineWords } from './simd/affine-words'
import { simdCubicEntries } from './simd/cubic-entries'
import { simdHadamardAdd } from './simd/hadamard'
import { simdNormalColumns } from './simd/normal-columns'
import { simdPolynomials } from './simd/polynomials'
import { simdExpandSigns, simdScatterAdd } from './simd/signs'

let made: SketchKernels | undefined

/** The kernels of random matrices in WebAssembly SIMD, compiled at the first call. @throws CompileError as simdKernels does */
export function simdSketchKernels(): SketchKernels {
  if (!made) {
    const machine = sketchMachine()
    const scratch = staging()
    made = {
      name: 'simd',
      affineWords: simdAffineWords(machine, scratch),
      polynomials: simdPolynomials(machine, scratch),
      expandSigns: simdExpandSigns(machine, scratch),
      scatterAdd: simdScatterAdd(machine, scratch),
      normalColumns: simdNormalColumns(machine, scratch),
      cubicEntries: simdCubicEntries(machine, scratch),
      hadamardAdd: simdHadamardAdd(machine, scratch),
    }
  }
  return made
}
