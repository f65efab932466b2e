import { type Matrix, checkInteger } from '@sublinear/core'
import { type Element, elementBytes, swapBytes, toFloat32 } from './elements'
import type { Fill } from './fill'
import type { RowLayout } from './row-layout'

export interface OpenRowsOptions {
  /** Name of the tensor of a .safetensors file, or of the array of a .npz archive; may be left out when there is only one. */
  readonly tensor?: string | undefined
  /** Reads `<V2` of a .npy file as bfloat16. Default false: it is refused. */
  readonly bfloat16?: boolean | undefined
  /** Refuse NaN and ±Infinity, float64 beyond float32's range too. Default true. */
  readonly finite?: boolean | undefined
}

export interface Rows extends AsyncDisposable {
  readonly rows: number
  readonly cols: number
  /** All axes of the array that the matrix is of: one where n numbers are read as n × 1. */
  readonly shape: readonly number[]
  /** Type of the numbers in the file: f2 … f8, i1 … i8, u1 … u8, b1 (booleans) or bf2 (bfloat16). */
  readonly dtype: Element
  /** Rows first … end − 1 (all, where absent), `size` at a time (the last block may be shorter); every call starts again. */
  blocks(size: number, first?: number, end?: number): AsyncGenerator<Matrix, void, undefined>
  close(): Promise<void>
}

const PANEL = 2 ** 20 // bytes read at once, unless one row is longer
const MOST_BLOCK = 2 ** 30 // entries
/** A file of no rows may claim any width: what readers allocate a row must have a bound. */
const MOST_COLS = 2 ** 24

/** @throws RangeError when a row of the layout is longer than a reader may allocate */
export function checkWidth({ cols }: RowLayout): void {
  if (cols > MOST_COLS) throw new RangeError(`a row must have at most 2^24 entries, got ${cols}`)
}

/**
 * The rows of a matrix, from where its layout says that they lie.
 *
 * @param who, name  in errors: who reads, and which file
 * @param finite     refuses NaN and ±Infinity
 * @param close      called by `close`
 */
export function fileRows(
  who: string,
  name: string,
  layout: RowLayout,
  { finite = true }: OpenRowsOptions,
  close: () => Promise<void>,
): Rows {
  const { rows, cols } = layout
  async function* blocks(size: number, begin = 0, end = rows): AsyncGenerator<Matrix, void, undefined> {
    checkInteger(who, 'size', size, 1)
    checkInteger(who, 'end', end, 0, rows)
    checkInteger(who, 'first', begin, 0, end)
    const most = Math.min(size, rows)
    if (most * cols > MOST_BLOCK) {
      throw new RangeError(`${who}: ${name}: a block must have at most 2^30 entries, got ${most} x ${cols}`)
    }
    if (begin === end) return
    const reader = layout.reader()
    const panels = panelReader(layout, reader.fill)
    try {
      for (let first = begin; first < end; first += size) {
        const count = Math.min(size, end - first)
        const data = new Float32Array(count * cols)
        await panels(first, data)
        if (finite) checkFiniteRows(data, cols, first)
        yield { rows: count, cols, data }
      }
    } catch (error) {
      throw about(who, name, error)
    } finally {
      await reader.close()
    }
  }
  return { rows, cols, shape: layout.shape, dtype: layout.element, blocks, close, [Symbol.asyncDispose]: close }
}

/** The error with the file that it is about. */
export function about(who: string, name: string, error: unknown): unknown {
  return error instanceof RangeError ? new RangeError(`${who}: ${name}: ${error.message}`, { cause: error }) : error
}

/** Copies rows first … into `out`, in order, out of panels of whole rows that are read ahead into buffers kept between calls. */
function panelReader(layout: RowLayout, fill: Fill): (first: number, out: Float32Array) => Promise<void> {
  const { rows, cols, element, bigEndian, begin, rowStride, colStride } = layout
  const width = elementBytes[element]
  const contiguous = colStride === 1 && rowStride === cols
  // One column of a panel spans (height − 1)·rowStride + 1 elements of the file; C order reads all columns in one span.
  const height = Math.max(1, Math.min(rows, Math.floor(PANEL / (4 * Math.max(cols, rowStride)))))
  const span = (count: number) => (contiguous ? count * cols : (count - 1) * rowStride + 1)
  const raw = new Uint8Array(span(height) * width)
  const column = new Float32Array(contiguous ? 0 : span(height))
  const panel = new Float32Array(height * cols)
  let from = 0
  let to = 0 // the panel holds rows from … to − 1

  const floats = async (start: number, count: number, out: Float32Array) => {
    const bytes = await fill('data', begin + start * width, raw.subarray(0, span(count) * width))
    if (bigEndian) swapBytes(bytes, width)
    toFloat32(element, bytes, out)
  }
  const load = async (first: number) => {
    const count = Math.min(height, rows - first)
    if (contiguous) await floats(first * rowStride, count, panel)
    else {
      for (let j = 0; j < cols; j++) {
        await floats(first * rowStride + j * colStride, count, column)
        for (let i = 0; i < count; i++) panel[i * cols + j] = column[i * rowStride]
      }
    }
    from = first
    to = first + count
  }
  return async (first, out) => {
    for (let at = 0; at < out.length;) {
      const row = first + at / cols
      if (row >= to) await load(row)
      const part = panel.subarray((row - from) * cols, (to - from) * cols).subarray(0, out.length - at)
      out.set(part, at)
      at += part.length
    }
  }
}

function checkFiniteRows(data: Float32Array, cols: number, first: number): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue
    const where = `row ${first + Math.floor(i / cols)}, column ${i % cols}`
    throw new RangeError(`data at ${where}: expected a finite float32, found ${data[i]}`)
  }
}
