import type { Kernels } from './kernels'
import { simdMachine, staging, useModule } from './module'
import { simdMonomialColumns } from './simd/columns'
import { simdMonomials } from './simd/monomials'
import { simdProduct } from './simd/product'
import { simdAddScaled, simdCarry, simdExp, simdLargestMagnitude, simdSoftmaxStep } from './simd/rows'

let made: Kernels | undefined

/**
 * The kernels in WebAssembly SIMD, compiled at the first call (about 2 ms), in one memory for the whole process.
 *
 * @param module  a compiled module that has all parts, or its bytes; read at the first call only. Default: the bytes that this package carries, part by part
 * @throws CompileError where the engine has no WebAssembly SIMD, or may not compile bytes
 */
export function simdKernels(module?: WebAssembly.Module | BufferSource): Kernels {
  if (!made) {
    if (module) useModule(module)
    const machine = simdMachine()
    const scratch = staging()
    made = {
      name: 'simd',
      floats: (length) => machine.arena.floats(length),
      doubles: (length) => machine.arena.doubles(length),
      bytes: (length) => machine.arena.bytes(length),
      product: simdProduct(machine, scratch),
      exp: simdExp(machine, scratch),
      softmaxStep: simdSoftmaxStep(machine, scratch),
      largestMagnitude: simdLargestMagnitude(machine, scratch),
      addScaled: simdAddScaled(machine, scratch),
      carry: simdCarry(machine),
      monomials: simdMonomials(machine, scratch),
      monomialColumns: simdMonomialColumns(machine, scratch),
    }
  }
  return made
}
