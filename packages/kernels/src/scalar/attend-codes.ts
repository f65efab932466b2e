import type { CodeKernels } from '../code-kernels'
import { seenBy } from '../rounded-query'
import { codesAt, codeScore, headerAt, roundedQuery, shiftIn, stepIn, toEven } from './code-rows'
import { lanesSum, weight } from './code-weights'
import { bytes, floats } from './operands'

const BLOCK = 64
const fround = Math.fround
/** Bound below which a block's values count as 0. */
const LEAST = 2 ** -110

/** Computes with the integers of assembly/attend-codes.ts, and with its floats in the same order: the same bits. */
export const attendCodes: CodeKernels['attendCodes'] = (block) => {
  const { queries, keys, values, rows, keyCount, d, dv, scale, causal, max, mass, sum } = block
  const data = bytes(keys.codes)
  const valueData = bytes(values.codes)
  const bias = block.bias && floats(block.bias)
  const codes = new Int32Array(Math.max(d, dv))
  const weights = new Float32Array(BLOCK)
  const scaled = new Float32Array(BLOCK)

  for (let r = 0; r < rows; r++) {
    const query = roundedQuery(queries, r * d, d, scale, keys.bits)
    const seen = seenBy(r, keyCount, causal)
    const out = sum.subarray(r * dv, (r + 1) * dv)
    for (let first = 0; first < seen; first += BLOCK) {
      const count = Math.min(BLOCK, seen - first)
      let top = max[r]
      for (let t = 0; t < count; t++) {
        const at = keys.offset + (first + t) * keys.stride
        codesAt(data, at + 2, keys.bits, d, codes)
        const score = codeScore(query, codes, headerAt(data, at), keys.bits)
        weights[t] = bias ? score + bias[first + t] : score
        top = Math.max(top, weights[t])
      }
      if (top > max[r]) {
        const factor = weight(fround(max[r] - top))
        mass[r] *= factor
        for (let c = 0; c < dv; c++) out[c] *= factor
        max[r] = top
      }
      let largest = 0
      for (let t = 0; t < count; t++) {
        weights[t] = weight(fround(weights[t] - top))
        scaled[t] = weights[t] * stepIn(headerAt(valueData, values.offset + (first + t) * values.stride))
        largest = Math.max(largest, scaled[t])
      }
      mass[r] += lanesSum(weights, count)
      if (largest >= LEAST) mix(largest, first, count)
    }

    /** Adds the block's values times integer weights; these sums are exact. */
    function mix(largest: number, first: number, count: number): void {
      const factor = fround(32767 / largest)
      const unit = fround(largest / 32767)
      const sums = new Float64Array(dv)
      let shifts = 0
      for (let t = 0; t < count; t++) {
        const own = toEven(fround(scaled[t] * factor))
        const at = values.offset + (first + t) * values.stride
        codesAt(valueData, at + 2, values.bits, dv, codes)
        for (let c = 0; c < dv; c++) sums[c] += own * codes[c]
        shifts += own * shiftIn(headerAt(valueData, at), values.bits)
      }
      const shift = fround(fround(shifts) / 16)
      for (let c = 0; c < dv; c++) out[c] += fround(unit * fround(fround(sums[c]) + shift))
    }
  }
}
