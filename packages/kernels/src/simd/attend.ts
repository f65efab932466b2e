import type { AttentionBlock, AttentionKernels } from '../attention-kernels'
import type { Machine } from '../module'
import { seenBy } from '../rounded-query'
import { ordinary, putSoftmax, softmaxOf, type SoftmaxRows } from '../softmax-rows'
import { aligned, type Staging } from '../staging'
import { simdAttendFew } from './attend-few'

const ROWS = 256 // queries of one super-block
const KEYS = 256 // keys of one call: four blocks, about half a millisecond at d = 64
const BLOCK = 64
const STAGED = 65536 // floats: wide rows make the super-blocks smaller
const FEW = 4 // rows of a call that go one by one

/** Fused attention: a super-block of queries and its sums stays in scratch while the keys that it sees pass by. */
export function simdAttend(machine: Machine, staging: Staging): AttentionKernels['attend'] {
  const { wasm, arena } = machine
  const few = simdAttendFew(machine, staging)
  return (block) => {
    const { rows, keyCount, d, dv } = block
    const width = Math.max(d, dv)
    const chunk = Math.min((keyCount + 63) & -64, KEYS, Math.max(BLOCK, Math.floor(STAGED / width) & -BLOCK))
    if (rows === 0 || keyCount === 0) return
    const softmax = softmaxOf(block)
    if (rows <= FEW) few(block, softmax, chunk)
    else strips(block, softmax, width, chunk)
    putSoftmax(block, softmax)
  }

  function strips(
    { keys, values, bias, rows, keyCount, d, dv, scale, causal, ...block }: AttentionBlock,
    { max, mass, sum }: SoftmaxRows,
    width: number,
    chunk: number,
  ): void {
    const queries = ordinary(block.queries)

    const most = Math.min(ROWS, Math.max(8, Math.floor(STAGED / width) & -8), (rows + 7) & -8)
    const direct = d === 64 || d === 128 || d === 32 || d === 16
    const outRow = ((dv + 7) & -8) * 4

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
      const sees = (r: number) => seenBy(r0 + Math.min(r, count - 1), keyCount, causal)
      const visible = sees(count)
      for (let r = 0; r < strips * 8; r++) arena.u32[(limits >>> 2) + r] = sees(r)

      // Copy in the queries, and the partial softmax so far.
      staging.in(staged, queries, r0 * d, count * d)
      wasm.packQueries({ to: q, from: staged, rows: count, d, scale, turned })
      staging.in(staged, sum, r0 * dv, count * dv)
      wasm.copyRows({ to: o, toRow: outRow, from: staged, fromRow: dv * 4, rows: count, bytes: dv * 4 })
      staging.in(maxima, max, r0, count)
      staging.doublesIn(masses, mass, r0, count)

      for (let first = 0; first < visible; first += chunk) {
        const keysHere = Math.min(chunk, visible - first)
        const k = staging.piece(keys, first * d, keysHere * d, staged)
        const v = staging.piece(values, first * dv, keysHere * dv, stagedValues)
        const add = bias ? staging.piece(bias, first, keysHere, stagedBias) : 0
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

      // Copy the partial softmax out again.
      wasm.copyRows({ to: staged, toRow: dv * 4, from: o, fromRow: outRow, rows: count, bytes: dv * 4 })
      staging.out(sum, r0 * dv, staged, count * dv)
      staging.out(max, r0, maxima, count)
      staging.doublesOut(mass, r0, masses, count)
    }
  }
}
