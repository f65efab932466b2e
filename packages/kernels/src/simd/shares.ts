import type { Floats, Kernels, PackedRows } from '../kernels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import { mostOfQuery, QUERY_GROUP, seenBy } from '../rounded-query'
import type { Staging } from '../staging'

const KEYS = 2048 // of one call, and what is copied in of keys elsewhere
const SCORES = 768
const STAGED = 65536 // floats of them: wide keys make fewer

/** Row by row, each over the keys that it sees, a chunk of keys after the other. */
export function simdAddShares({ wasm }: Machine, staging: Staging): Kernels['addShares'] {
  return (out, { queries, keys, max, mass, bias, rows, d, cols, scale, causal }) => {
    const visible = Math.min(cols, seenBy(rows - 1, cols, causal))
    if (rows === 0 || visible <= 0) return
    const packed = isPacked(keys) ? keys : undefined
    const keysAt = packed ? residentOffset('simd', packed.codes, 1) + packed.offset : staging.floats(keys as Floats)
    const queriesAt = staging.floats(queries)
    const biasAt = bias ? staging.floats(bias) : 0
    const chunk = Math.min((visible + 63) & -64, KEYS, Math.max(64, Math.floor(STAGED / d) & -64))
    const qRow = 4 * ((d + QUERY_GROUP - 1) & -QUERY_GROUP)
    const most = Math.min(rows, Math.max(1, Math.floor(STAGED / d)))

    const sums = staging.region(
      8 * chunk +
        64 +
        SCORES +
        8 * most +
        most * qRow +
        4 * d * most +
        4 * (d + 8) +
        (bias ? 4 * chunk : 0) +
        (keysAt ? 0 : 4 * chunk * d),
    )
    const scores = (sums + 8 * chunk + 15) & -16
    const units = scores + SCORES
    const q = units + 8 * most
    const staged = q + most * qRow
    const scaled = staged + 4 * d * most
    const stagedBias = scaled + 4 * (d + 8)
    const stagedKeys = stagedBias + (bias ? 4 * chunk : 0)
    const stride = packed ? packed.stride : 4 * d

    for (let r0 = 0; r0 < rows; r0 += most) {
      const count = Math.min(most, rows - r0)
      if (packed) {
        if (queriesAt) wasm.copyBytes({ to: staged, from: queriesAt + 4 * r0 * d, bytes: 4 * count * d })
        else staging.in(staged, queries, r0 * d, count * d)
        const largest = mostOfQuery(packed.bits, d)
        wasm.roundQueries({
          to: q,
          toRow: qRow,
          units,
          from: staged,
          rows: count,
          d,
          scale,
          most: largest,
          inNibbles: packed.bits === 4,
          scaled,
        })
      } else {
        if (queriesAt)
          wasm.copyRows({ to: q, toRow: qRow, from: queriesAt + 4 * r0 * d, fromRow: 4 * d, rows: count, bytes: 4 * d })
        else {
          staging.in(staged, queries, r0 * d, count * d)
          wasm.copyRows({ to: q, toRow: qRow, from: staged, fromRow: 4 * d, rows: count, bytes: 4 * d })
        }
        wasm.scaleBy({ x: q, factor: scale, count: (count * qRow) >> 2 })
      }
      for (let first = 0; first < visible; first += chunk) {
        const here = Math.min(chunk, visible - first)
        if (!keysAt) staging.in(stagedKeys, keys as Floats, first * d, here * d)
        if (bias && !biasAt) staging.in(stagedBias, bias, first, here)
        staging.doublesIn(sums, out, first, here)
        const from = keysAt ? keysAt + first * stride : stagedKeys
        const add = bias ? (biasAt ? biasAt + 4 * first : stagedBias) : 0
        for (let i = 0, r = r0; i < count; i++, r++) {
          const left = Math.min(here, seenBy(r, cols, causal) - first)
          if (left <= 0 || !(mass[r] > 0)) continue
          wasm.addShares({
            out: sums,
            q: q + i * qRow,
            units: units + 8 * i,
            keys: from,
            d,
            stride,
            bits: packed ? packed.bits : 0,
            bias: add,
            count: left,
            max: max[r],
            factor: 1 / mass[r],
            scores,
          })
        }
        staging.doublesOut(out, first, sums, here)
      }
    }
  }
}

function isPacked(operand: Floats | PackedRows): operand is PackedRows {
  return 'codes' in operand
}
