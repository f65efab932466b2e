import type { FeatureKernels } from '../feature-kernels'
import type { Resident } from '../kernels'
import type { FeatureMachine } from '../module'
import { residentOffset } from '../resident'
import { aligned, type Staging } from '../staging'

export function simdMonomialTable({ wasm }: FeatureMachine, staging: Staging): FeatureKernels['monomialTable'] {
  return (out, z, parents, coordinates, factors, rows) => {
    const t = factors.length
    if (rows === 0 || t === 0) return
    const stagedParents = staging.region(12 * t)
    const stagedCoordinates = stagedParents + 4 * t
    const stagedFactors = stagedCoordinates + 4 * t
    staging.wordsIn(stagedParents, parents, 0, t)
    staging.wordsIn(stagedCoordinates, coordinates, 0, t)
    staging.in(stagedFactors, factors, 0, t)
    wasm.monomialTable({
      out: floatsAt(out),
      z: floatsAt(z),
      parents: stagedParents,
      coordinates: stagedCoordinates,
      factors: stagedFactors,
      rows,
      t,
    })
  }
}

/** Computes dot products of columns. A single column is contiguous: there the lanes run along it. */
export function simdDotColumns({ wasm }: FeatureMachine, staging: Staging): FeatureKernels['dotColumns'] {
  return (out, a, x, inner, cols) => {
    const outAt = staging.doubles(out)
    const narrow = staging.region(4 * inner + 8 * cols + 8)
    const to = outAt || aligned(narrow + 4 * inner, 8)
    if (cols === 1) wasm.dot({ out: to, a: floatsAt(a), x: doublesAt(x), inner })
    else wasm.dotColumns({ out: to, a: floatsAt(a), x: doublesAt(x), inner, cols, narrow })
    if (!outAt) staging.doublesOut(out, 0, to, cols)
  }
}

export function simdRowSums({ wasm }: FeatureMachine, staging: Staging): FeatureKernels['rowSums'] {
  return (out, a, rows, cols, weights) => {
    const staged = staging.region(4 * cols)
    if (weights) staging.in(staged, weights, 0, cols)
    wasm.rowSums({ out: doublesAt(out), a: floatsAt(a), rows, cols, weights: weights ? staged : 0 })
  }
}

/** The offset of a resident array; an ordinary array throws a TypeError here instead of reading address 0. */
const floatsAt = (operand: Resident<Float32Array>) => residentOffset('simd', operand, 4)
const doublesAt = (operand: Resident<Float64Array>) => residentOffset('simd', operand, 8)
