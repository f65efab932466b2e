import type { Kernels } from './kernels'
import { longAttend, longAttendCodes } from './long-attention'
import { simdMachine } from './module'
import { simdAffineWords } from './simd/affine-words'
import { simdAttend } from './simd/attend'
import { simdAttendCodes } from './simd/attend-codes'
import { simdCodeDistances } from './simd/code-distances'
import { simdDotColumns, simdMonomialColumns, simdMonomialTable, simdRowSums } from './simd/columns'
import { simdCubicEntries } from './simd/cubic-entries'
import { simdExpandSigns, simdMonomials, simdScatterAdd } from './simd/features'
import { simdHadamardAdd } from './simd/hadamard'
import { simdNormalColumns } from './simd/normal-columns'
import { simdPolynomials } from './simd/polynomials'
import { simdProduct } from './simd/product'
import { simdAddScaled, simdCarry, simdExp, simdLargestMagnitude, simdSoftmaxStep } from './simd/rows'
import { simdPack } from './simd/pack'
import { simdAddShares } from './simd/shares'
import { simdTurn } from './simd/turn'
import { simdUnpack } from './simd/unpack'
import { Staging } from './staging'

let made: Kernels | undefined

/**
 * The kernels in WebAssembly SIMD, compiled at the first call (about 2 ms), in one memory for the whole process.
 *
 * @param module  compiled already, or its bytes, at the first call. Default: the bytes that this package carries
 * @throws CompileError where the engine has no WebAssembly SIMD, or may not compile bytes
 */
export function simdKernels(module?: WebAssembly.Module | BufferSource): Kernels {
  if (!made) {
    const machine = simdMachine(module)
    const staging = new Staging(machine.arena)
    made = {
      name: 'simd',
      floats: (length) => machine.arena.floats(length),
      doubles: (length) => machine.arena.doubles(length),
      bytes: (length) => machine.arena.bytes(length),
      product: simdProduct(machine, staging),
      exp: simdExp(machine, staging),
      softmaxStep: simdSoftmaxStep(machine, staging),
      addShares: simdAddShares(machine, staging),
      attend: longAttend(simdAttend(machine, staging)),
      attendCodes: longAttendCodes(simdAttendCodes(machine, staging)),
      codeDistances: simdCodeDistances(machine, staging),
      unpack: simdUnpack(machine, staging),
      pack: simdPack(machine, staging),
      turn: simdTurn(machine, staging),
      largestMagnitude: simdLargestMagnitude(machine, staging),
      addScaled: simdAddScaled(machine, staging),
      carry: simdCarry(machine),
      affineWords: simdAffineWords(machine, staging),
      polynomials: simdPolynomials(machine, staging),
      expandSigns: simdExpandSigns(machine, staging),
      scatterAdd: simdScatterAdd(machine, staging),
      normalColumns: simdNormalColumns(machine, staging),
      cubicEntries: simdCubicEntries(machine, staging),
      hadamardAdd: simdHadamardAdd(machine, staging),
      monomials: simdMonomials(machine, staging),
      monomialColumns: simdMonomialColumns(machine, staging),
      monomialTable: simdMonomialTable(machine, staging),
      dotColumns: simdDotColumns(machine, staging),
      rowSums: simdRowSums(machine, staging),
    }
  }
  return made
}
