import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import { mostOfQuery, QUERY_GROUP, seenBy } from '../rounded-query'
import { aligned, type Staging } from '../staging'

const ROWS = 64 // queries whose sums stay in scratch
const STAGED = 65536 // most floats of these sums: with wide rows, fewer queries stay
const KEYS = 256 // keys that pass by these queries together: they fit the first-level cache
const LONG = 4096 // most keys of one call, where few queries ask
const SCORES = 384
const MANY = 6 // least number of queries for which expanding codes to a byte each first pays

/** Answers few queries one by one, each by itself; where many see the same keys, the keys pass by all of them in chunks. */
export function simdAttendCodes({ wasm, arena }: CodeMachine, staging: Staging): CodeKernels['attendCodes'] {
  return ({ queries, keys, values, bias, rows, keyCount, d, dv, scale, causal, max, mass, sum }) => {
    if (rows === 0 || keyCount === 0) return
    const { stride } = keys
    const biasAt = bias ? staging.floats(bias) : 0
    const keysAt = residentOffset('simd', keys.codes, 1) + keys.offset
    const valuesAt = residentOffset('simd', values.codes, 1) + values.offset
    const most = Math.min(rows, ROWS, Math.max(1, Math.floor(STAGED / Math.max(d, dv))))
    const isWide = most >= MANY
    const wideKey = (d + 15) & -16
    const wideStride = wideKey + ((dv + 15) & -16)
    const chunk = Math.min((keyCount + 63) & -64, isWide ? KEYS : LONG)
    const qRow = 2 * ((d + QUERY_GROUP - 1) & -QUERY_GROUP)
    const outRow = 4 * ((dv + QUERY_GROUP - 1) & -QUERY_GROUP)

    const masses = staging.region(
      most * (16 + 4 + qRow + outRow) +
        64 +
        SCORES +
        4 * most * Math.max(d, dv) +
        4 * (d + 8) +
        (bias ? 4 * chunk : 0) +
        14 * (isWide ? chunk : 64) +
        160 +
        (isWide ? chunk * wideStride + 64 : 0),
    )
    const units = masses + 8 * most
    const scores = aligned(units + 8 * most, 16)
    const out = scores + SCORES
    const q = out + most * outRow
    const maxima = q + most * qRow
    const staged = maxima + 4 * most
    const scaled = staged + 4 * most * Math.max(d, dv)
    const stagedBias = scaled + 4 * (d + 8)
    const headers = aligned(stagedBias + (bias ? 4 * chunk : 0), 16)
    const wide = aligned(headers + 14 * (isWide ? chunk : 64), 64)

    for (let r0 = 0; r0 < rows; r0 += most) {
      const count = Math.min(most, rows - r0)
      staging.in(staged, queries, r0 * d, count * d)
      const largest = mostOfQuery(keys.bits, d)
      wasm.roundQueries({
        to: q,
        toRow: qRow,
        units,
        from: staged,
        rows: count,
        d,
        scale,
        most: largest,
        inNibbles: keys.bits === 4 && !isWide,
        scaled,
      })
      staging.in(staged, sum, r0 * dv, count * dv)
      arena.u32.fill(0, out >>> 2, (out + count * outRow) >>> 2)
      wasm.copyRows({ to: out, toRow: outRow, from: staged, fromRow: 4 * dv, rows: count, bytes: 4 * dv })
      staging.in(maxima, max, r0, count)
      staging.doublesIn(masses, mass, r0, count)
      const visible = seenBy(r0 + count - 1, keyCount, causal)
      for (let first = 0; first < visible; first += chunk) {
        if (bias && !biasAt) staging.in(stagedBias, bias, first, Math.min(chunk, visible - first))
        const add = bias ? (biasAt ? biasAt + 4 * first : stagedBias) : 0
        const here = { stride, count: Math.min(chunk, visible - first) }
        let [keysHere, valuesHere] = [keysAt + first * stride, valuesAt + first * stride]
        ;[keysHere, valuesHere] = [keysHere + 2, valuesHere + 2]
        if (isWide) {
          const [steps, shifts] = [headers + 8 * chunk, headers + 12 * chunk]
          const opened = { ...here, inWords: false }
          wasm.openHeaders({
            ...opened,
            steps: headers,
            shifts: headers + 4 * chunk,
            row0: keysHere - 2,
            bits: keys.bits,
          })
          wasm.openHeaders({ ...opened, steps, shifts, inWords: true, row0: valuesHere - 2, bits: values.bits })
          const given = { toStride: wideStride, stride, rows: here.count }
          wasm.widen({ ...given, to: wide, codes: keysHere, bits: keys.bits, width: d })
          wasm.widen({ ...given, to: wide + wideKey, codes: valuesHere, bits: values.bits, width: dv })
          ;[keysHere, valuesHere] = [wide, wide + wideKey]
        }
        for (let r = 0; r < count; r++) {
          const left = Math.min(chunk, seenBy(r0 + r, keyCount, causal) - first)
          if (left <= 0) continue
          wasm.attendCodes({
            q: q + r * qRow,
            units: units + 8 * r,
            keys: keysHere,
            keyBits: isWide ? 8 : keys.bits,
            d,
            values: valuesHere,
            valueBits: isWide ? 8 : values.bits,
            dv,
            stride: isWide ? wideStride : stride,
            headers,
            room: isWide ? chunk : 0,
            bias: add,
            count: left,
            max: maxima + 4 * r,
            mass: masses + 8 * r,
            out: out + r * outRow,
            scores,
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
