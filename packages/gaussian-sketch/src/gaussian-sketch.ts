import {
  checkInteger,
  checkObject,
  checkSeed,
  denseSketchMatrix,
  seedWords,
  type Seed,
  type SketchMatrix,
} from '@sublinear/core'
import { type Floats, sketchKernels } from '@sublinear/kernels'

/** The last word of the Philox counter, so that these numbers differ from other uses of the seed. */
const STREAM = 0x67617573 // 'gaus'

/**
 * Makes a random Gaussian matrix: independent entries of N(0, 1/m), never stored.
 * Source: Definition 3.3 (one-pass paper). Deviation: an entry is z/√m, rounded once to float32, with z = Φ⁻¹((w + ½)·2⁻³²) of one
 * 32-bit word w, so that |z| ≤ 6.34 and z has 2^32 values; every moment of z that a test could see is a normal number's.
 *
 * Word r mod 4 of Philox4x32-10 under the seed at counter (⌊r/4⌋, low word of j, high word of j, 'gaus') gives entry (r, j);
 * Φ⁻¹ is Wichura's AS 241 with our own logarithm: integers and + − × ÷ √ alone, hence the same bits on every engine.
 *
 * Guarantee: E⟨Ψu, Ψv⟩ = ⟨u, v⟩ and Var⟨Ψu, Ψv⟩ = (|u|²|v|² + ⟨u, v⟩²)/m over the seed; gaussianRows has the tails.
 * Cost: about 10 ns an entry of Ψ and 2·m·w operations a row of w numbers; 0 bytes to describe Ψ beside its seed.
 *
 * @param m  number of rows, ≥ 1; gaussianRows computes it from an error and a failure probability
 * @param seed  64 bits that decide every entry
 * @throws TypeError, RangeError when m is no integer ≥ 1 or seed no 64-bit integer
 * @example project(gaussianSketch({ m: 612, seed: 1 }), matrix(2, 1536)).cols // 612
 */
export function gaussianSketch(options: { m: number; seed: Seed }): SketchMatrix {
  const { m, seed } = checkObject('gaussianSketch', options)
  checkInteger('gaussianSketch', 'm', m, 1)
  const key = seedWords(checkSeed('gaussianSketch', seed))
  const unit = 1 / Math.sqrt(m)
  const columns = (first: number, count: number, out: Floats) =>
    sketchKernels().normalColumns(out, key, STREAM, first, m, count, unit)
  return denseSketchMatrix({ kind: 'gaussian', m, seed, innerVariance: 2 / m, columns, residentColumns: columns })
}
