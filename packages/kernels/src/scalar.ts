import type { Kernels } from './kernels'
import { affineWords } from './scalar/affine-words'
import { attend } from './scalar/attend'
import { attendCodes } from './scalar/attend-codes'
import { dotColumns, monomialColumns, monomialTable, rowSums } from './scalar/columns'
import { expandSigns, monomials, scatterAdd } from './scalar/features'
import { longAttend, longAttendCodes } from './long-attention'
import { scalarArray } from './scalar/operands'
import { cubicEntries } from './scalar/cubic-entries'
import { hadamardAdd } from './scalar/hadamard'
import { normalColumns } from './scalar/normal-columns'
import { polynomials } from './scalar/polynomials'
import { product } from './scalar/product'
import { pack } from './scalar/pack'
import { addShares } from './scalar/shares'
import { turn } from './scalar/turn'
import { codeDistances, unpack } from './scalar/unpack'
import { addScaled, carry, exp, largestMagnitude, softmaxStep } from './scalar/rows'

/**
 * The kernels in plain JavaScript, as fast as tiling makes them: the oracle of the tests, the baseline of the bench, the
 * fallback without WASM SIMD. Sums are taken in double precision and rounded once.
 */
export const scalarKernels: Kernels = {
  name: 'scalar',
  floats: (length) => scalarArray(new Float32Array(length)),
  doubles: (length) => scalarArray(new Float64Array(length)),
  bytes: (length) => scalarArray(new Uint8Array(length)),
  product,
  exp,
  softmaxStep,
  addShares,
  attend: longAttend(attend),
  attendCodes: longAttendCodes(attendCodes),
  codeDistances,
  unpack,
  pack,
  turn,
  largestMagnitude,
  addScaled,
  carry,
  affineWords,
  polynomials,
  expandSigns,
  scatterAdd,
  normalColumns,
  cubicEntries,
  hadamardAdd,
  monomials,
  monomialColumns,
  monomialTable,
  dotColumns,
  rowSums,
}
