import {
  checkInteger,
  checkObject,
  checkSeed,
  checkShape,
  philox,
  seedWords,
  type Seed,
  type SketchMatrix,
} from '@sublinear/core'
import { fourWiseSigns } from '@sublinear/hash-families'
import { rangeOf, type Floats, sketchKernels } from '@sublinear/kernels'

/** The last word of the Philox counter for the numbers drawn here. */
const STREAM = 0x73720000

/**
 * Makes a subsampled randomized Hadamard transform: Ψ_{r,j} = σ_j·(−1)^popcount(i_r & j)/√m, with random signs σ and m distinct random
 * rows i_r of the N × N Walsh–Hadamard matrix, N = 2^⌈log₂ n⌉. No column is ever made.
 * Source: Ailon and Chazelle (2009), in the form of Tropp (2011). Deviation: signs are 4-wise independent, which the second moment
 * needs; tail bounds in the literature need fully independent ones. Not from the papers.
 *
 * Guarantee: E⟨Ψu, Ψv⟩ = ⟨u, v⟩ and Var⟨Ψu, Ψv⟩ = (|u|²|v|² + ⟨u, v⟩² − 2Σuᵢ²vᵢ²)/m · (N − m)/(N − 1) over the seed: m = N is exact.
 * |Ψe_j| = 1.
 * Cost: a block of 64 rows of w numbers takes 384·w additions and m·w multiply-adds, a row alone m·w; 8·m bytes to describe Ψ.
 *
 * @param m  number of rows, 1 … N
 * @param n  columns: indices from n on are refused
 * @param seed  64 bits that decide every entry
 * @throws TypeError, RangeError when an option is out of its range; accumulate refuses rows from index n on
 * @example sketch(srht({ m: 64, n: 5000, seed: 1 }), 2).state.rows // 64
 */
export function srht(options: { m: number; n: number; seed: Seed }): SketchMatrix {
  const { m, n, seed } = checkObject('srht', options)
  checkInteger('srht', 'n', n, 1)
  const levels = n === 1 ? 0 : highestBit(n - 1) + 1
  checkInteger('srht', 'm', m, 1, Math.min(2 ** levels, 2 ** 28))
  const whole = checkSeed('srht', seed)
  const [low, high] = seedWords(whole)
  const words = new Uint32Array(4)
  philox(words, low, high, 0, 1, 0, STREAM)
  const signs = fourWiseSigns({ count: 1, seed: (BigInt(words[1]) << 32n) | BigInt(words[0]) })
  const indices = distinctIndices([low, high], m, levels)
  const unit = 1 / Math.sqrt(m)
  const kind = `srht/${n}`
  const add = (into: Floats, block: Floats, rows: number, width: number, first: number) => {
    for (let from = 0; from < rows;) {
      const index = first + from
      const start = index - (index % 64)
      const count = Math.min(rows - from, start + BATCH - index)
      const pairs = new Uint32Array(2 * Math.ceil((index + count - start) / 64))
      for (let b = 0; 2 * b < pairs.length; b++) signs.words(start + 64 * b, pairs.subarray(2 * b))
      const now = rangeOf(block, from * width, count * width)
      sketchKernels().hadamardAdd(into, now, index, count, width, pairs, indices, unit)
      from += count
    }
  }
  return {
    kind,
    m,
    n,
    seed: whole,
    bytes: indices.byteLength + signs.bytes,
    innerVariance: levels === 0 ? 0 : ((2 / m) * (2 ** levels - m)) / (2 ** levels - 1),
    accumulate(into, block, first) {
      checkShape(kind, 'block', block)
      checkShape(kind, 'into', into, block.cols, m)
      checkInteger(kind, 'first', first, 0)
      checkInteger(kind, 'first + block.rows', first + block.rows, 0, n)
      add(into.data, block.data, block.rows, block.cols, first)
    },
    resident: { accumulate: add },
  }
}

/** Rows that one call of the kernel takes: it copies `into` in and out. */
const BATCH = 1024

/** Draws m distinct numbers below 2^levels, two words each; all sets of m are equally likely. Repeats are drawn again. */
function distinctIndices([low, high]: [number, number], m: number, levels: number): Uint32Array {
  const lowMask = levels >= 32 ? 0xffffffff : 2 ** levels - 1
  const highMask = levels > 32 ? 2 ** (levels - 32) - 1 : 0
  const total = 2 ** levels
  const few = m <= total / 2
  const drawn = new Set<number>()
  const words = new Uint32Array(4)
  for (let draw = 0; drawn.size < (few ? m : total - m); draw++) {
    if (draw % 2 === 0) philox(words, low, high, draw / 2, 0, 0, STREAM)
    const at = 2 * (draw % 2)
    drawn.add(((words[at + 1] & highMask) >>> 0) * 2 ** 32 + ((words[at] & lowMask) >>> 0))
  }
  const out = new Uint32Array(2 * m)
  let at = 0
  const put = (index: number) => {
    out[at++] = index % 2 ** 32
    out[at++] = Math.floor(index / 2 ** 32)
  }
  if (few) for (const index of drawn) put(index)
  else for (let index = 0; index < total; index++) if (!drawn.has(index)) put(index)
  return out
}

/** The position of the highest set bit of an integer ≥ 1. */
function highestBit(x: number): number {
  const high = Math.floor(x / 2 ** 32)
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(x)
}
