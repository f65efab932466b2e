import { checkFits, matrix, type KvBlock, type Matrix } from '@sublinear/core'
import { MOST_STEP, placeOf, stepOf } from './log-step'
import { MOST_CODE } from './row-coder'
import type { Centres } from './token-coder'

/** Code of the first token's largest entry beside the centre: so fine that coarser steps later lose nothing. */
const FINEST = 16_384
/** Largest factor by which the steps of values are coarser or finer than those of keys, each relative to its sizes. */
const MOST_APART = 64

/** A step for the keys and one for the values, as places of a logarithmic scale; undefined until an entry is not 0. */
export interface Steps {
  readonly key?: number | undefined
  readonly value?: number | undefined
}

/** The step by which `size` has a code: the current one, or the first that is coarse enough. */
export function placeFor(place: number | undefined, size: number): number | undefined {
  if (size === 0) return place
  if (place === undefined) return placeOf(size / FINEST)
  if (codeOf(size, place) <= MOST_CODE) return place
  return Math.max(place, placeOf(size / FINEST))
}

/** Whether an entry of this size has a code. */
export function hasCode(size: number, place: number | undefined): boolean {
  return size === 0 || (place !== undefined && codeOf(size, place) <= MOST_CODE)
}

function codeOf(entry: number, place: number | undefined): number {
  return place === undefined ? 0 : Math.round(entry / stepOf(place))
}

/** The size of a step; 1 where there is none yet and all codes are 0. */
export function codeUnit(place: number | undefined): number {
  return place === undefined ? 1 : stepOf(place)
}

/** The largest entry of a row, less a centre, in magnitude. */
export function largest({ cols, data }: Matrix, row: number, centre: Float32Array): number {
  let most = 0
  for (let c = 0, i = row * cols; c < cols; c++) most = Math.max(most, Math.abs(data[i++] - centre[c]))
  return most
}

/** Codes of rows of a block, keys before values. */
export function codesOf(
  { keys, values }: KvBlock,
  from: number,
  rows: number,
  { key, value }: Steps,
  centres: Centres,
): Int32Array {
  const out = new Int32Array(rows * (keys.cols + values.cols))
  const put = ({ cols, data }: Matrix, place: number | undefined, offset: number, centre: Float32Array) => {
    if (place === undefined) return
    const step = stepOf(place)
    const width = keys.cols + values.cols
    for (let r = 0, i = from * cols; r < rows; r++) {
      for (let c = 0, at = r * width + offset; c < cols; c++) out[at++] = Math.round((data[i++] - centre[c]) / step)
    }
  }
  put(keys, key, 0, centres.keyCentre)
  put(values, value, keys.cols, centres.valueCentre)
  return out
}

/** Entries of codes from column `from` on, in float32, as many as the centre has. */
export function entriesOf(
  codes: Int32Array,
  rows: number,
  { width, from, place, most }: { width: number; from: number; place: number | undefined; most: number },
  centre: Float32Array,
): Matrix {
  const cols = centre.length
  const out = matrix(rows, cols)
  const step = place === undefined ? 0 : stepOf(place)
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0, at = r * width + from; c < cols; c++) {
      const entry = centre[c] + codes[at++] * step
      out.data[i++] = entry > most ? most : entry < -most ? -most : entry
    }
  }
  return out
}

const factor = (old: number | undefined, now: number | undefined): number =>
  old === undefined || now === undefined ? 1 : stepOf(old) / stepOf(now)

/** Recodes in other, coarser steps, in place. */
export function recode(
  codes: Int32Array,
  { d, width }: { d: number; width: number },
  before: Steps,
  after: Steps,
): void {
  const [byKey, byValue] = [factor(before.key, after.key), factor(before.value, after.value)]
  for (let at = 0; at < codes.length; at += width) {
    for (let c = 0; c < width; c++) codes[at + c] = Math.round(codes[at + c] * (c < d ? byKey : byValue))
  }
}

/**
 * Says how far the step of values should stand above that of keys, in sixteenths of a doubling, so that an entry of each has the same effect on an answer, and bits are
 * best spent. The error of a key moves a score by scale · query, and an answer by that times the distance of the value from the answer; queries are taken to be
 * as long as keys.
 */
export function apartOf(
  codes: Int32Array,
  { d, width }: { d: number; width: number },
  scale: number,
  { key, value }: Steps,
  { keyCentre: centre }: Pick<Centres, 'keyCentre'>,
): number {
  if (key === undefined || value === undefined) return 0
  const rows = codes.length / width
  const dv = width - d
  const unit = stepOf(key)
  let [keys, values] = [0, 0]
  const sum = new Float64Array(dv)
  for (let at = 0; at < codes.length; at += width) {
    for (let c = 0; c < d; c++) keys += (codes[at + c] + centre[c] / unit) ** 2
    for (let c = 0; c < dv; c++) {
      sum[c] += codes[at + d + c]
      values += codes[at + d + c] ** 2
    }
  }
  for (const one of sum) values -= one ** 2 / rows
  const rmsKey = unit * Math.sqrt(keys / (rows * d))
  const rmsValue = stepOf(value) * Math.sqrt(Math.max(0, values) / (rows * dv))
  if (!(rmsKey > 0 && rmsValue > 0)) return 0
  // Each is relative to its own size; beyond these limits keys or values would have no bits left.
  const coarser = Math.abs(scale) * rmsKey ** 2 * Math.sqrt(dv)
  return placeOf((Math.max(1 / MOST_APART, Math.min(MOST_APART, coarser)) * rmsValue) / rmsKey)
}

/** Reads the place of a step from the text of a snapshot; undefined where it is empty. @throws RangeError when it is malformed */
export function placeIn(kind: string, text: string | undefined): number | undefined {
  checkFits(kind, text !== undefined && /^(-?\d{1,5})?$/.test(text))
  if (text === '') return undefined
  checkFits(kind, Math.abs(Number(text)) <= MOST_STEP)
  return Number(text)
}
