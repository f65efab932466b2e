import type { AttentionBlock } from '../attention-kernels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import { seenBy } from '../rounded-query'
import { ordinary, type SoftmaxRows } from '../softmax-rows'
import type { Staging } from '../staging'

/**
 * Attention of one to four rows, one by one, `chunk` keys a call. A function of its own, and a small one: decoding is all it does, and V8 compiles it
 * within the first tokens of a process.
 */
export function simdAttendFew({ wasm, arena }: Machine, staging: Staging) {
  return (block: AttentionBlock, { max, mass, sum }: SoftmaxRows, chunk: number): void => {
    const { keys, values, bias, rows, keyCount, d, dv, scale, causal, inOrder = false, scoreRow = 0 } = block
    const kept = block.scores && inOrder ? residentOffset('simd', block.scores, 4) : 0
    const queries = ordinary(block.queries)
    const masses = staging.region(384 + 4 * (rows + chunk) * (d + dv + 1))
    const maxima = masses + 32
    const scores = masses + 64
    const q = scores + 256
    const out = q + 4 * rows * d
    const stagedKeys = out + 4 * rows * dv
    const stagedValues = stagedKeys + 4 * chunk * d
    const stagedBias = stagedValues + 4 * chunk * dv

    const factor = inOrder ? Math.fround(scale) : scale // as the strips have it
    for (let i = 0; i < rows * d; i++) arena.f32[(q >>> 2) + i] = queries[i] * factor
    staging.in(out, sum, 0, rows * dv)
    staging.in(maxima, max, 0, rows)
    staging.doublesIn(masses, mass, 0, rows)
    const visible = seenBy(rows - 1, keyCount, causal)
    for (let first = 0; first < visible; first += chunk) {
      const here = Math.min(chunk, visible - first)
      const k = staging.piece(keys, first * d, here * d, stagedKeys)
      const v = staging.piece(values, first * dv, here * dv, stagedValues)
      const add = bias ? staging.piece(bias, first, here, stagedBias) : 0
      for (let r = 0; r < rows; r++)
        wasm.attendRow({
          q: q + 4 * r * d,
          d,
          keys: k,
          values: v,
          dv,
          bias: add,
          count: Math.min(here, seenBy(r, keyCount, causal) - first),
          max: maxima + 4 * r,
          mass: masses + 8 * r,
          out: out + 4 * r * dv,
          scores,
          inOrder,
          kept: kept && kept + 4 * (r * scoreRow + first),
        })
    }
    staging.out(sum, 0, out, rows * dv)
    staging.out(max, 0, maxima, rows)
    staging.doublesOut(mass, 0, masses, rows)
  }
}
