import type { RotaryTables } from './rotary-tables'

/** Rows of one head that stay, and the place where its rows begin. */
export interface Kept {
  readonly rows: ArrayLike<number>
  readonly from: number
}

/**
 * Moves the rows of a head that stay into another array, in their order.
 *
 * @param rotary  tables that turn each row from its old place to its new one, its indices before and after; absent: rows stay as they are
 */
export function moveRows(
  out: Float32Array,
  data: Float32Array,
  { rows, from, to, width }: Kept & { readonly to: number; readonly width: number },
  rotary?: RotaryTables,
): void {
  for (let i = 0; i < rows.length; i++) {
    const at = from + rows[i] * width
    out.set(data.subarray(at, at + width), to + i * width)
    if (rotary && rows[i] !== i) turnFrom(out, { at: to + i * width, old: rows[i], place: i }, rotary)
  }
}

/** Turns a row in place: back by the angles of its old place, forward by those of its new one. Tables may also scale. */
function turnFrom(
  data: Float32Array,
  { at, old, place }: { readonly at: number; readonly old: number; readonly place: number },
  rotary: RotaryTables,
): void {
  const { pairs } = rotary
  const [step, gap] = rotary.isInterleaved ? [2, 1] : [1, pairs]
  const [before, now] = [rotary.rowsAt(old), rotary.rowsAt(place)]
  const [from, to] = [(old - before.from) * pairs, (place - now.from) * pairs]
  for (let i = 0; i < pairs; i++) {
    const a = data[at + i * step]
    const b = data[at + i * step + gap]
    const c = before.cos[from + i]
    const s = before.sin[from + i]
    const c2 = now.cos[to + i]
    const s2 = now.sin[to + i]
    const size = c * c + s * s || 1
    const turnedC = (c2 * c + s2 * s) / size
    const turnedS = (s2 * c - c2 * s) / size
    data[at + i * step] = a * turnedC - b * turnedS
    data[at + i * step + gap] = a * turnedS + b * turnedC
  }
}
