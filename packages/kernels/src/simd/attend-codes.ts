import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import { mostOfQuery, QUERY_GROUP, seenBy } from '../rounded-query'
import { aligned, type Staging } from '../staging'

const ROWS = 64 // queries whose sums stay in scratch
const STAGED = 65536 // most floats of these sums: with wide rows, fewer queries stay
const KEYS = 4096 // most keys of one call
const MANY = 4 // least number of queries for which opening codes to 16 bits first pays
const PANELS = 2 ** 20 // most bytes of opened codes
const PRODUCTS = 2 ** 23 // most products of a call over opened codes: about 2 ms
const WORK = 2704

/** Answers few queries one by one, straight from codes; where many see the same keys, codes are opened once for all of them. */
export function simdAttendCodes({ wasm, arena }: CodeMachine, staging: Staging): CodeKernels['attendCodes'] {
  return ({ queries, keys, values, bias, rows, keyCount, d, dv, scale, causal, max, mass, sum }) => {
    if (rows === 0 || keyCount === 0) return
    const { stride } = keys
    const biasAt = bias ? staging.floats(bias) : 0
    const keysAt = residentOffset('simd', keys.codes, 1) + keys.offset + 2
    const valuesAt = residentOffset('simd', values.codes, 1) + values.offset + 2
    const most = Math.min(rows, ROWS, Math.max(1, Math.floor(STAGED / Math.max(d, dv))))
    const opened = 128 * (((d + 7) & -8) + ((dv + 7) & -8))
    const areMany = most >= MANY && opened <= PANELS
    const panels = areMany ? opened : 0
    const chunk = areMany ? Math.min(KEYS, 64 * Math.ceil(PRODUCTS / (64 * most * (d + dv)))) : KEYS
    const qRow = 2 * ((d + QUERY_GROUP - 1) & -QUERY_GROUP)
    const outRow = 4 * ((dv + QUERY_GROUP - 1) & -QUERY_GROUP)

    const masses = staging.region(
      most * (8 + 8 + 4 + 4 + qRow + outRow) +
        4 * most * Math.max(d, dv) +
        4 * (d + 8) +
        (bias ? 4 * Math.min(keyCount, chunk) : 0) +
        WORK +
        panels +
        64,
    )
    const units = masses + 8 * most
    const out = aligned(units + 8 * most, 16)
    const q = out + most * outRow
    const work = q + most * qRow
    const maxima = work + WORK + panels
    const limits = maxima + 4 * most
    const staged = limits + 4 * most
    const scaled = staged + 4 * most * Math.max(d, dv)
    const stagedBias = scaled + 4 * (d + 8)
    const tokens = { d, dv, stride, keyBits: keys.bits, valueBits: values.bits, work }

    for (let r0 = 0; r0 < rows; r0 += most) {
      const count = Math.min(most, rows - r0)
      staging.in(staged, queries, r0 * d, count * d)
      wasm.roundQueries({
        to: q,
        toRow: qRow,
        units,
        from: staged,
        rows: count,
        d,
        scale,
        most: mostOfQuery(keys.bits, d),
        inNibbles: keys.bits === 4 && !areMany,
        scaled,
      })
      staging.in(staged, sum, r0 * dv, count * dv)
      arena.u32.fill(0, out >>> 2, (out + count * outRow) >>> 2)
      wasm.copyRows({ to: out, toRow: outRow, from: staged, fromRow: 4 * dv, rows: count, bytes: 4 * dv })
      staging.in(maxima, max, r0, count)
      staging.doublesIn(masses, mass, r0, count)
      const seen = (r: number) => seenBy(r0 + r, keyCount, causal)
      const visible = seen(count - 1)
      for (let first = 0; first < visible; first += chunk) {
        const block = Math.min(chunk, visible - first)
        if (bias && !biasAt) staging.in(stagedBias, bias, first, block)
        const here = {
          ...tokens,
          keys: keysAt + first * stride,
          values: valuesAt + first * stride,
          bias: bias ? (biasAt ? biasAt + 4 * first : stagedBias) : 0,
        }
        if (areMany) {
          for (let r = 0; r < count; r++) arena.u32[(limits >>> 2) + r] = Math.max(0, seen(r) - first)
          const all = {
            ...here,
            rows: count,
            q,
            qRow,
            units,
            limits,
            count: block,
            max: maxima,
            mass: masses,
            out,
            outRow,
          }
          wasm.attendCodeRows(all)
          continue
        }
        for (let r = 0; r < count; r++) {
          const left = Math.min(block, seen(r) - first)
          if (left <= 0) continue
          wasm.attendCodes({
            ...here,
            q: q + r * qRow,
            units: units + 8 * r,
            count: left,
            max: maxima + 4 * r,
            mass: masses + 8 * r,
            out: out + r * outRow,
          })
        }
      }
      wasm.copyRows({ to: staged, toRow: 4 * dv, from: out, fromRow: outRow, rows: count, bytes: 4 * dv })
      staging.out(sum, r0 * dv, staged, count * dv)
      staging.out(max, r0, maxima, count)
      staging.doublesOut(mass, r0, masses, count)
    }
  }
}
