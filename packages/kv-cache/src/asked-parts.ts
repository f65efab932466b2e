import {
  addSpread,
  emptyPartial,
  rowsOfPartial,
  rowsOfSpread,
  type AttentionStream,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'

/** The least number of query rows that the kernels sum in the order of long calls. */
export const FEW = 5

/** Continues a partial with the answer of a part; the part may write in place. */
export function continueWith(part: AttentionStream, queries: Matrix, out: PartialSoftmax): void {
  const answer = part.attend(queries, out)
  if (answer !== out) addPartial(out, answer)
}

/** Continues a partial of a few query rows: they are padded to so many that the kernels sum as for any number. */
export function continuePadded(part: AttentionStream, queries: Matrix, out: PartialSoftmax): void {
  const { rows, cols } = queries
  const data = new Float32Array(FEW * cols)
  data.set(queries.data)
  for (let r = rows; r < FEW; r++) data.copyWithin(r * cols, 0, cols)
  const padded = emptyPartial(FEW, out.sum.cols, out.spread !== undefined)
  padded.max.set(out.max)
  padded.mass.set(out.mass)
  padded.sum.data.set(out.sum.data)
  continueWith(part, { rows: FEW, cols, data }, padded)
  const { max, mass, sum } = rowsOfPartial(padded, 0, rows)
  out.max.set(max)
  out.mass.set(mass)
  out.sum.data.set(sum.data)
  if (out.spread) addSpread(out.spread, rowsOfSpread(padded.spread!, 0, rows))
}

/** The reason why the parts together give no error bars; undefined where all of them give some. */
export function whyNoBars(parts: readonly AttentionStream[]): string | undefined {
  const i = parts.findIndex(({ errorBars }) => errorBars !== true)
  return i < 0 ? undefined : `part ${i} gives none: ${parts[i].errorBars ?? 'it knows of no errors'}`
}
