import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import { polynomials } from '../scalar/polynomials'
import type { Staging } from '../staging'

const CHUNK = 8192 // most values of one call
const LONG = 4096 // words of coefficients above which they are not copied to scratch

export function simdPolynomials({ wasm, arena }: SketchMachine, staging: Staging): SketchKernels['polynomials'] {
  return (out, coefficients, functions, degree, keys, count, buckets) => {
    const words = 2 * (degree + 1)
    if (words > LONG) return polynomials(out, coefficients, functions, degree, keys, count, buckets)
    const each = buckets > 0 ? 1 : 2
    const width = Math.min(count, CHUNK)
    const height = Math.min(functions, Math.max(1, Math.floor(Math.min(CHUNK / Math.max(width, 1), LONG / words))))
    const stagedKeys = staging.region(8 * width + 8 * width * height + 4 * words * height)
    const stagedCoefficients = stagedKeys + 8 * width
    const stagedOut = stagedCoefficients + 4 * words * height
    for (let c = 0; c < count; c += width) {
      const wide = Math.min(width, count - c)
      staging.doublesIn(stagedKeys, keys, c, wide)
      for (let f = 0; f < functions; f += height) {
        const high = Math.min(height, functions - f)
        staging.wordsIn(stagedCoefficients, coefficients, f * words, high * words)
        wasm.polynomials({
          out: stagedOut,
          coefficients: stagedCoefficients,
          functions: high,
          degree,
          keys: stagedKeys,
          count: wide,
          buckets,
        })
        for (let r = 0, at = stagedOut >>> 2; r < high; r++, at += wide * each) {
          out.set(arena.u32.subarray(at, at + wide * each), ((f + r) * count + c) * each)
        }
      }
    }
  }
}
