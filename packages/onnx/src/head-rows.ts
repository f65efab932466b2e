import type { ModelLayer } from './model-layer'
import type { RotaryTables } from './rotary-tables'

/** Place of the rows of some heads: entry (row, head, column) is data[at + row·rowStride + head·headStride + column]. */
export interface HeadPlace {
  readonly data: Float32Array
  readonly at: number
  readonly rowStride: number
  readonly headStride: number
}

/** Places of the queries, keys and values of a layer in the tensors that its segment made: one tensor for all, or three. */
export function placesOf(
  { site, heads, kvHeads, shape: { d, dv } }: ModelLayer,
  tensors: readonly Float32Array[],
  rows: number,
): [HeadPlace, HeadPlace, HeadPlace] {
  const [q, k = q, v = q] = tensors
  const isOne = tensors.length === 1 && !site.none // with `none`, all rows are queries
  if (site.layout === 'heads') {
    const place = (data: Float32Array, head: number, width: number) => ({
      data,
      at: isOne ? head * rows * width : 0,
      rowStride: width,
      headStride: rows * width,
    })
    return [place(q, 0, d), place(k, heads, d), place(v, heads + kvHeads, dv)]
  }
  const all = heads * d + kvHeads * (d + dv)
  const place = (data: Float32Array, at: number, width: number, count: number) => ({
    data,
    at: isOne ? at : 0,
    rowStride: isOne ? all : count * width,
    headStride: width,
  })
  return [place(q, 0, d, heads), place(k, heads * d, d, kvHeads), place(v, (heads + kvHeads) * d, dv, kvHeads)]
}

/** Copies heads first … first + count − 1, row by row, to out: row r·count + h is head first + h of row r. */
export function takeHeads(
  out: Float32Array,
  { data, at, rowStride, headStride }: HeadPlace,
  {
    rows,
    first,
    count,
    width,
  }: { readonly rows: number; readonly first: number; readonly count: number; readonly width: number },
): void {
  let to = 0
  for (let r = 0; r < rows; r++)
    for (let h = first; h < first + count; h++) {
      const from = at + r * rowStride + h * headStride
      for (let c = 0; c < width; c++) out[to++] = data[from + c]
    }
}

/** Turns rows in place by the graph's tables: `count` rows for each place, from place `before` on. Pairs are taken one by one, since lists of them cost ten times as much. */
export function turnRows(
  data: Float32Array,
  {
    rows,
    count,
    width,
    before,
  }: { readonly rows: number; readonly count: number; readonly width: number; readonly before: number },
  rotary: RotaryTables,
): void {
  const { pairs } = rotary
  const [step, gap] = rotary.isInterleaved ? [2, 1] : [1, pairs]
  let { from, to, cos, sin } = rotary.rowsAt(before)
  for (let r = 0; r < rows; r++) {
    if (before + r >= to) ({ from, to, cos, sin } = rotary.rowsAt(before + r))
    const table = (before + r - from) * pairs
    for (let h = 0; h < count; h++) {
      let at = (r * count + h) * width
      for (let i = table; i < table + pairs; i++, at += step) {
        const a = data[at]
        const b = data[at + gap]
        const c = cos[i]
        const s = sin[i]
        data[at] = a * c - b * s
        data[at + gap] = a * s + b * c
      }
    }
  }
}
