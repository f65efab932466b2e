import { isFloat32 } from '../brand'
import type { Floats, Kernels } from '../kernels'
import type { Machine } from '../module'
import { monomials } from '../scalar/monomials'
import type { Staging } from '../staging'

const CHUNK = 65536 // most floats that pass through scratch at once

/** Computes rows of monomials. When `out` is an ordinary array, a row of features must fit the scratch whole; beyond 2 MB the plain loop fills it. */
export function simdMonomials({ wasm }: Machine, staging: Staging): Kernels['monomials'] {
  return (out, x, ratios, rows, d, degree) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const t = ratios.length
    if (rows === 0) return
    if (!outAt && t > 8 * CHUNK) return monomials(out, plain(x), ratios, rows, d, degree)
    const most = Math.min(rows, Math.max(1, Math.floor((2 * CHUNK) / Math.max(t, d, 1))), 4096)
    const stagedRatios = staging.region(4 * (t + d + (outAt ? 0 : most * t) + (xAt ? 0 : most * d)))
    const suffix = stagedRatios + t * 4
    const stagedX = suffix + d * 4
    const stagedOut = stagedX + (xAt ? 0 : most * d * 4)
    staging.in(stagedRatios, ratios, 0, t)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!xAt) staging.in(stagedX, x, r * d, part * d)
      const to = outAt ? outAt + r * t * 4 : stagedOut
      const from = xAt ? xAt + r * d * 4 : stagedX
      wasm.monomials({ out: to, x: from, ratios: stagedRatios, rows: part, d, degree, t, suffix })
      if (!outAt) staging.out(out, r * t, stagedOut, part * t)
    }
  }
}

function plain(operand: Floats): Float32Array {
  return isFloat32(operand) ? operand : operand.read()
}
