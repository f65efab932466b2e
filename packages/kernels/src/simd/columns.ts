import type { Kernels, Resident } from '../kernels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

/** Computes columns of monomials. A single row goes to `monomials`, where suffixes are contiguous. */
export function simdMonomialColumns({ wasm, arena }: Machine, staging: Staging): Kernels['monomialColumns'] {
  return (out, x, shift, unit, ratios, rows, d, degree) => {
    if (rows === 0) return
    const t = ratios.length
    const xAt = staging.floats(x)
    const stagedRatios = staging.region(4 * (t + 2 * d + 2 * rows * d))
    const suffix = stagedRatios + t * 4
    const stagedShift = suffix + d * 4
    const turned = stagedShift + d * 4
    const stagedX = turned + rows * d * 4
    staging.in(stagedRatios, ratios, 0, t)
    if (!xAt) staging.in(stagedX, x, 0, rows * d)
    const from = xAt || stagedX
    const to = floatsAt(out)
    if (rows === 1) {
      const [x0, by] = [from >>> 2, Math.fround(unit)] // rounded as for many rows: a row alone and in a block gives the same bits
      for (let i = 0; i < d; i++) arena.f32[(turned >>> 2) + i] = Math.fround(arena.f32[x0 + i] - shift[i]) * by
      wasm.monomials({ out: to, x: turned, ratios: stagedRatios, rows: 1, d, degree, t, suffix })
    } else {
      staging.in(stagedShift, shift, 0, d)
      wasm.monomialColumns({
        out: to,
        x: from,
        shift: stagedShift,
        unit,
        ratios: stagedRatios,
        rows,
        d,
        degree,
        z: turned,
        suffix,
      })
    }
  }
}

/** The offset of a resident array; an ordinary array throws a TypeError here instead of reading address 0. */
const floatsAt = (operand: Resident<Float32Array>) => residentOffset('simd', operand, 4)
