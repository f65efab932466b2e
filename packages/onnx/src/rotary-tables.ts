import { fromHalf } from '@sublinear/core'
import type { Tensor } from 'onnxruntime-common'
import { FLOAT, FLOAT16, type OnnxTensor } from './graph'
import type { ModelFiles } from './model-files'
import { floatsOf } from './ort'

/** Cosines and sines of the graph, by which queries and keys are turned at their places. */
export interface RotaryTables {
  readonly places: number
  readonly pairs: number
  readonly isInterleaved: boolean
  /** Rows of some places, the asked one among them. */
  rowsAt(place: number): RotaryRows
}

/** Rows of places from … to − 1. */
export interface RotaryRows {
  readonly from: number
  readonly to: number
  readonly cos: Float32Array // (to − from) × pairs
  readonly sin: Float32Array
}

/** A table of numbers, of which some rows are read at a time. */
export interface NumberTable {
  readonly dims: readonly number[]
  /** Rows from … to − 1, the asked one among them. */
  rowsAt(row: number): RowsOfTable
}
interface RowsOfTable {
  readonly from: number
  readonly to: number
  readonly data: Float32Array
}

/** Rows that are read at once, and how many such parts are kept: the newest places of four texts that are read in turns. */
const PART = 256
const PARTS_KEPT = 4

/**
 * A table that stays in the model's file: of one for 32,768 places, of which a text has some hundreds, memory would hold 8 MB.
 *
 * @returns undefined where the values do not lie in a file as numbers of 16 or 32 bits
 */
export function placedTable(files: ModelFiles, { dims, type, place }: OnnxTensor): NumberTable | undefined {
  const width = type === FLOAT ? 4 : type === FLOAT16 ? 2 : 0
  if (!place || width === 0 || dims.length !== 2) return undefined
  const [rows, cols] = dims
  const kept = new Map<number, Float32Array>()
  let last: RowsOfTable | undefined // the part that was asked last: all heads of a token ask for one place
  return {
    dims,
    rowsAt(row) {
      if (last && row >= last.from && row < last.to) return last
      const from = PART * Math.floor(row / PART)
      const to = Math.min(rows, from + PART)
      let data = kept.get(from)
      if (!data) {
        const [first, end] = [from, to].map((own) => place.from + own * cols * width)
        const bytes = Uint8Array.from(files.read(place.file, first, end)) // a copy begins where numbers may
        data = width === 4 ? new Float32Array(bytes.buffer) : fromHalf(new Uint16Array(bytes.buffer))
      }
      kept.delete(from)
      kept.set(from, data) // the newest is last
      if (kept.size > PARTS_KEPT) kept.delete(kept.keys().next().value!)
      last = { from, to, data }
      return last
    },
  }
}

/** A table that memory holds whole: nodes of the graph have made it. */
export function heldTable(tensor: Tensor): NumberTable {
  const { dims } = tensor
  const data = floatsOf(tensor)
  return { dims, rowsAt: () => ({ from: 0, to: dims[0], data }) }
}

/** Joins a table of cosines and one of sines, of the same sizes and both held or both placed. */
export function rotaryTables(cos: NumberTable, sin: NumberTable, isInterleaved: boolean): RotaryTables {
  const [places, pairs] = cos.dims
  return {
    places,
    pairs,
    isInterleaved,
    rowsAt(place) {
      const { from, to, data } = cos.rowsAt(place)
      return { from, to, cos: data, sin: sin.rowsAt(place).data }
    },
  }
}
