import type { Kernels } from '../kernels'
import type { Machine } from '../module'
import { aligned, type Staging } from '../staging'

const ROWS = 256 // queries of one super-block
const KEYS = 256 // keys of one call: four blocks, about half a millisecond at d = 64
const BLOCK = 64
const STAGED = 65536 // most floats in scratch: wide rows make the super-blocks smaller
const FEW = 4 // most rows of a call that go one by one: a strip of 8 costs as much as about 6 of them

/** Fused attention: a super-block of queries and its sums stays in scratch while the keys that it sees pass by. */
export function simdAttend({ wasm, arena }: Machine, staging: Staging): Kernels['attend'] {
  return ({ queries, keys, values, bias, rows, keyCount, d, dv, scale, causal, inOrder, max, mass, sum }) => {
    if (rows === 0 || keyCount === 0) return
    const queriesAt = staging.floats(queries)
    const keysAt = staging.floats(keys)
    const valuesAt = staging.floats(values)
    const biasAt = bias ? staging.floats(bias) : 0
    const maxAt = staging.floats(max)
    const massAt = staging.doubles(mass)
    const sumAt = staging.floats(sum)

    const width = Math.max(d, dv)
    const few = rows <= FEW
    const factor = inOrder ? Math.fround(scale) : scale // rounded as in the strips, for the same bits
    const most = few ? rows : Math.min(ROWS, Math.max(8, Math.floor(STAGED / width) & -8), (rows + 7) & -8)
    const chunk = Math.min((keyCount + 63) & -64, KEYS, Math.max(BLOCK, Math.floor(STAGED / width) & -BLOCK))
    const direct = d === 64 || d === 128 || d === 32 || d === 16
    const outCols = few ? dv : (dv + 7) & -8
    const outRow = outCols * 4

    // Layout of the scratch: the first three regions have one number a row; then one strip's weights, then matrices.
    const rowBytes = aligned(most * 8, 64)
    const qBytes = aligned(most * d * 4, 64)
    const oBytes = aligned(most * outRow, 64)
    const packedBytes = direct ? 0 : BLOCK * d * 4
    const stagedBytes = aligned(Math.max(most * width, chunk * d) * 4, 64) // queries, sums or keys
    const valueBytes = aligned(chunk * dv * 4, 64)
    const turnedBytes = aligned(8 * d * 4, 64)
    const masses = staging.region(
      3 * rowBytes + 2048 + qBytes + oBytes + packedBytes + stagedBytes + valueBytes + turnedBytes + chunk * 4,
    )
    const maxima = masses + rowBytes
    const limits = maxima + rowBytes
    const weights = limits + rowBytes
    const q = weights + 2048
    const o = q + qBytes
    const packed = o + oBytes
    const staged = packed + packedBytes
    const stagedValues = staged + stagedBytes
    const turned = stagedValues + valueBytes
    const stagedBias = turned + turnedBytes

    for (let r0 = 0; r0 < rows; r0 += most) {
      const count = Math.min(most, rows - r0)
      const strips = (count + 7) >> 3
      const sees = (r: number) =>
        causal ? Math.max(0, Math.min(keyCount, causal.visible + Math.floor(r / causal.groups))) : keyCount
      const visible = sees(r0 + count - 1)
      if (visible === 0) continue
      for (let r = 0; r < (few ? count : strips * 8); r++) {
        arena.u32[(limits >>> 2) + r] = sees(r0 + Math.min(r, count - 1))
      }

      // Copy in the queries, and the partial softmax so far.
      if (!queriesAt) staging.in(staged, queries, r0 * d, count * d)
      const from = queriesAt ? queriesAt + r0 * d * 4 : staged
      if (few) scaled(q, from, count * d)
      else wasm.packQueries({ to: q, from, rows: count, d, scale, turned })
      if (!sumAt) staging.in(staged, sum, r0 * dv, count * dv)
      const sums = sumAt ? sumAt + r0 * dv * 4 : staged
      const sumRow = dv * 4
      wasm.copyRows({ to: o, toRow: outRow, from: sums, fromRow: sumRow, rows: count, bytes: sumRow })
      if (maxAt) wasm.copyBytes({ to: maxima, from: maxAt + r0 * 4, bytes: count * 4 })
      else staging.in(maxima, max, r0, count)
      if (massAt) wasm.copyBytes({ to: masses, from: massAt + r0 * 8, bytes: count * 8 })
      else staging.doublesIn(masses, mass, r0, count)

      for (let first = 0; first < visible; first += chunk) {
        const keysHere = Math.min(chunk, visible - first)
        if (!keysAt) staging.in(staged, keys, first * d, keysHere * d)
        if (!valuesAt) staging.in(stagedValues, values, first * dv, keysHere * dv)
        if (bias && !biasAt) staging.in(stagedBias, bias, first, keysHere)
        const k = keysAt ? keysAt + first * d * 4 : staged
        const v = valuesAt ? valuesAt + first * dv * 4 : stagedValues
        const add = bias ? (biasAt ? biasAt + first * 4 : stagedBias) : 0
        if (few) {
          for (let r = 0; r < count; r++) {
            const left = Math.min(keysHere, arena.u32[(limits >>> 2) + r] - first)
            wasm.attendRow({
              q: q + r * d * 4,
              d,
              keys: k,
              values: v,
              dv,
              bias: add,
              count: left,
              max: maxima + r * 4,
              mass: masses + r * 8,
              out: o + r * outRow,
              scores: weights,
              inOrder: inOrder === true,
            })
          }
        } else {
          wasm.attendStrips({
            strips,
            q,
            d,
            keys: k,
            values: v,
            dv,
            bias: add,
            first,
            count: keysHere,
            limits,
            max: maxima,
            mass: masses,
            out: o,
            outRow,
            weights,
            packed: direct ? 0 : packed,
          })
        }
      }

      // Copy the partial softmax out again.
      wasm.copyRows({ to: sums, toRow: sumRow, from: o, fromRow: outRow, rows: count, bytes: sumRow })
      if (!sumAt) staging.out(sum, r0 * dv, staged, count * dv)
      if (maxAt) wasm.copyBytes({ to: maxAt + r0 * 4, from: maxima, bytes: count * 4 })
      else staging.out(max, r0, maxima, count)
      if (massAt) wasm.copyBytes({ to: massAt + r0 * 8, from: masses, bytes: count * 8 })
      else staging.doublesOut(mass, r0, masses, count)
    }

    function scaled(to: number, from: number, count: number): void {
      for (let i = 0; i < count; i++) arena.f32[(to >>> 2) + i] = arena.f32[(from >>> 2) + i] * factor
    }
  }
}
