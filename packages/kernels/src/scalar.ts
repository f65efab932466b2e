import type { Kernels } from './kernels'
import { monomialColumns } from './scalar/columns'
import { monomials } from './scalar/monomials'
import { scalarArray } from './scalar/operands'
import { product } from './scalar/product'
import { addScaled, carry, exp, largestMagnitude, softmaxStep } from './scalar/rows'

/**
 * The kernels in plain JavaScript, as fast as tiling makes them. They are the oracle of the tests, the baseline of the bench, and the fallback on engines
 * without WASM SIMD. Sums are taken in double precision and rounded once.
 */
export const scalarKernels: Kernels = {
  name: 'scalar',
  floats: (length) => scalarArray(new Float32Array(length)),
  doubles: (length) => scalarArray(new Float64Array(length)),
  bytes: (length) => scalarArray(new Uint8Array(length)),
  product,
  exp,
  softmaxStep,
  largestMagnitude,
  addScaled,
  carry,
  monomials,
  monomialColumns,
}
