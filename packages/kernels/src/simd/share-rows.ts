import type { ShareBlock } from '../attention-kernels'
import { QUERY_GROUP, seenBy } from '../rounded-query'
import { aligned, type Staging } from '../staging'

const KEYS = 2048 // most keys of one call, and most that are copied in at once where keys lie elsewhere
const SCORES = 768
const STAGED = 65536 // most floats of them: wide keys make it fewer keys

/** Layout in which keys of floats differ from keys in codes. */
export interface ShareKeys {
  /** Address of the keys; 0 where they are copied in. */
  readonly at: number
  /** Bytes from one key to the next. */
  readonly stride: number
  copyIn?(to: number, first: number, count: number): void
  /** Turns rows of staged queries into the form that `add` takes. */
  ready(of: { to: number; toRow: number; units: number; from: number; rows: number; scaled: number }): void
  add(of: {
    out: number
    q: number
    units: number
    keys: number
    bias: number
    count: number
    max: number
    factor: number
    scores: number
  }): void
}

/** Adds shares row by row, each over the keys that the row sees, one chunk of keys after the other. */
export function addShareRows(
  staging: Staging,
  out: Float64Array,
  block: Omit<ShareBlock, 'keys'>,
  keys: ShareKeys,
  copyBytes: (of: { to: number; from: number; bytes: number }) => void,
): void {
  const { queries, max, mass, bias, rows, d, cols, causal } = block
  const visible = Math.min(cols, seenBy(rows - 1, cols, causal))
  if (rows === 0 || visible <= 0) return
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
      (keys.at ? 0 : 4 * chunk * d),
  )
  const scores = aligned(sums + 8 * chunk, 16)
  const units = scores + SCORES
  const q = units + 8 * most
  const staged = q + most * qRow
  const scaled = staged + 4 * d * most
  const stagedBias = scaled + 4 * (d + 8)
  const stagedKeys = stagedBias + (bias ? 4 * chunk : 0)

  for (let r0 = 0; r0 < rows; r0 += most) {
    const count = Math.min(most, rows - r0)
    if (queriesAt) copyBytes({ to: staged, from: queriesAt + 4 * r0 * d, bytes: 4 * count * d })
    else staging.in(staged, queries, r0 * d, count * d)
    keys.ready({ to: q, toRow: qRow, units, from: staged, rows: count, scaled })
    for (let first = 0; first < visible; first += chunk) {
      const here = Math.min(chunk, visible - first)
      keys.copyIn?.(stagedKeys, first, here)
      if (bias && !biasAt) staging.in(stagedBias, bias, first, here)
      staging.doublesIn(sums, out, first, here)
      const from = keys.at ? keys.at + first * keys.stride : stagedKeys
      const add = bias ? (biasAt ? biasAt + 4 * first : stagedBias) : 0
      for (let i = 0, r = r0; i < count; i++, r++) {
        const left = Math.min(here, seenBy(r, cols, causal) - first)
        if (left <= 0 || !(mass[r] > 0)) continue
        keys.add({
          out: sums,
          q: q + i * qRow,
          units: units + 8 * i,
          keys: from,
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
