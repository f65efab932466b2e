import { installDispose, isFloat32, isFloat64 } from '@sublinear/kernels'
import type { Matrix, Sketch, SketchMatrix } from './contracts'
import { checkFinite, checkInteger, checkValues } from './check'
import { COUNT, readBy, schema } from './schema'
import { decodeSnapshot, encodeSnapshot } from './snapshot'
import { BLOCK } from './sketch-matrix'
import { addBlock, sketchState } from './sketch-state'

const KIND = 'sketch'
const VERSION = '1'

/** The largest sum that a merge may make: it leaves room for rows that come later. */
const MOST = { f32: 2 ** 127, f64: 2 ** 1022 }

const LARGEST = 2 ** 64

/** Schema of the snapshots of sketches. */
export const sketchSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: {
      matrix: 'text',
      m: { whole: true, least: 1 },
      seed: 'seed',
      width: { whole: true, least: 1 },
      rows: COUNT,
      first: COUNT,
    },
    tensors: {
      state: { type: ['F64', 'F32'], size: 'm · width', least: -MOST.f64, most: MOST.f64 },
      buffer: { type: 'F32', least: -LARGEST, most: LARGEST },
    },
  },
  {
    'Entries of `state` in F32 are from -2^127 to 2^127, with room for what comes.': ({ tensors: { state } }) =>
      isFloat64(state) || largest(state) <= MOST.f32,
    'The buffer has whole rows, of the block of 64 that row `first` is in; none, and `first` is 0.': ({
      parameters: { width, rows, first },
      tensors: { buffer },
    }) =>
      buffer.length % width === 0 &&
      (first % BLOCK) + buffer.length / width < BLOCK &&
      (buffer.length === 0 ? first === 0 : first + buffer.length / width <= rows),
    'There are at most as many `rows` as the matrix has columns.': ({ parameters }, { n }) => parameters.rows <= n,
  },
)

export interface SketchOptions {
  /** Precision of the state. 'f64' adds each block's float32 sums into a float64 state. Default: 'f64' for width 1 (counting), 'f32' otherwise. */
  readonly precision?: 'f32' | 'f64' | undefined
}

/**
 * The sketch Ψ·A of a streamed matrix A with `width` columns, for every SketchMatrix.
 *
 * Rows wait until their index reaches a multiple of 64, or until a push jumps elsewhere, and are then multiplied as one block. So a contiguous stream gives
 * the same bits wherever it is cut into calls.
 *
 * Guarantee: with |Ψ| ≤ 2^10 no sum of 2^53 rows leaves float32. In 'f32' the relative error of an entry after n rows is about √(n/64)·2^-24 where
 *   signs are random, and at most n/64·2^-24 where all are equal; for more rows than that allows take 'f64', in twice the bytes.
 * Cost: m · width state entries (4 or 8 bytes) and a buffer of 64 rows.
 *
 * @throws TypeError, RangeError when width is no integer ≥ 1. push, update and merge throw for shapes that do not fit, for entries above 2^64, and for sums of
 *   two states that would leave their precision; they then change nothing
 * @example
 * const counts = sketch(amsSketch({ m: 1000, seed: 7 }), 1)
 * counts.update(12, 3)
 * innerProduct(counts, counts).data[0].toFixed(2) // 9.00
 */
export function sketch(matrix: SketchMatrix, width: number, options: SketchOptions = {}): Sketch {
  checkInteger(KIND, 'width', width, 1)
  const precision = options.precision ?? (width === 1 ? 'f64' : 'f32')
  if (precision !== 'f32' && precision !== 'f64') {
    throw new RangeError(`sketch: precision must be 'f32' or 'f64', got ${String(precision)}`)
  }
  return live(matrix, width, precision, { rows: 0, first: 0, held: new Float32Array(0) })
}

/**
 * Restores a sketch from its snapshot, with the same sketch matrix; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind, m or seed
 */
export function restoreSketch(matrix: SketchMatrix, bytes: Uint8Array): Sketch {
  const who = 'restoreSketch'
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const mine = identity(matrix)
  for (const [name, value] of Object.entries(mine)) {
    const saved = snapshot.parameters[name]
    if (saved !== value) throw new RangeError(`${who}: ${name} differs: the matrix has ${value}, the snapshot ${saved}`)
  }
  const sizes = { 'm · width': matrix.m * Number(snapshot.parameters['width']), n: matrix.n ?? Number.MAX_SAFE_INTEGER }
  const { parameters, tensors } = readBy(who, sketchSchema, snapshot, sizes)
  const { width, rows, first } = parameters
  const { state, buffer: held } = tensors
  return live(matrix, width, isFloat64(state) ? 'f64' : 'f32', { state, rows, first, held })
}

/**
 * Estimates AᵀB (width of a × width of b) from two sketches, as (ΨA)ᵀ(ΨB), summed in float64.
 *
 * @throws RangeError when the two do not share kind, m and seed
 */
export function innerProduct(a: Sketch, b: Sketch): Matrix {
  requireSame('innerProduct', identity(a.matrix), identity(b.matrix))
  const left = a.state
  const right = b.state
  const out = new Float64Array(a.width * b.width)
  for (let r = 0; r < left.rows; r++) {
    for (let i = 0; i < a.width; i++) {
      const x = left.data[r * a.width + i]
      for (let j = 0; j < b.width; j++) out[i * b.width + j] += x * right.data[r * b.width + j]
    }
  }
  return { rows: a.width, cols: b.width, data: Float32Array.from(out) }
}

interface Contents {
  /** The state, m × width. Absent: zeros. */
  readonly state?: Float32Array | Float64Array | undefined
  rows: number
  /** Index of the first held row. */
  first: number
  /** Rows that are not yet multiplied in: at most BLOCK, all before the same multiple of BLOCK. */
  readonly held: Float32Array
}

function live(matrix: SketchMatrix, width: number, precision: 'f32' | 'f64', contents: Contents): Sketch {
  installDispose()
  const state = sketchState(matrix, width, precision, contents.state)
  const buffer = new Float32Array(BLOCK * width)
  buffer.set(contents.held)
  let count = contents.held.length / width
  let { rows, first } = contents

  const held = (): Matrix => ({ rows: count, cols: width, data: buffer.subarray(0, count * width) })
  const flush = () => {
    if (count > 0) state.add(held(), first)
    count = 0
  }
  const flushed = () => {
    const copy = state.read()
    if (count > 0) addBlock(matrix, copy, held(), first)
    return copy
  }

  const self: Sketch = {
    matrix,
    width,
    precision,
    get rows() {
      return rows
    },
    get state() {
      return { rows: matrix.m, cols: width, data: flushed() }
    },
    get bytes() {
      return state.bytes + buffer.byteLength + matrix.bytes
    },
    push(block, at = rows) {
      checkValues(KIND, 'block', block, width)
      checkInteger(KIND, 'first', at, 0)
      checkInteger(KIND, 'first + block.rows', at + block.rows, 0, matrix.n)
      if (block.rows === 0) return
      if (count > 0 && at !== first + count) flush()
      if (count === 0) first = at
      let from = 0
      if (first + count === at && (count > 0 || at % BLOCK !== 0)) {
        from = Math.min(block.rows, BLOCK - (at % BLOCK)) // fill up to the next multiple
        buffer.set(block.data.subarray(0, from * width), count * width)
        count += from
        if ((at + from) % BLOCK === 0) flush()
      }
      const whole = from + Math.floor((block.rows - from) / BLOCK) * BLOCK
      if (whole > from) {
        const blocks = { rows: whole - from, cols: width, data: block.data.subarray(from * width, whole * width) }
        state.add(blocks, at + from)
      }
      if (whole < block.rows) {
        first = at + whole
        count = block.rows - whole
        buffer.set(block.data.subarray(whole * width))
      }
      rows = Math.max(rows, at + block.rows)
    },
    update(index, row, scale = 1) {
      checkInteger(KIND, 'index', index, 0, (matrix.n ?? Number.MAX_SAFE_INTEGER) - 1)
      checkFinite(KIND, 'scale', scale)
      const given = typeof row === 'number' ? Float32Array.of(row) : row
      if (!isFloat32(given)) throw new TypeError('sketch: row must be a number or a Float32Array')
      if (given.length !== width) throw new RangeError(`sketch: row must have ${width} entries, got ${given.length}`)
      const data = given.map((x) => x * scale)
      checkValues(KIND, 'scale · row', { rows: 1, cols: width, data }, width)
      state.add({ rows: 1, cols: width, data }, index)
      rows = Math.max(rows, index + 1)
    },
    merge(other) {
      if (typeof other?.matrix !== 'object') throw new TypeError('sketch: cannot merge, the other is not a sketch')
      requireSame(
        KIND,
        { ...identity(matrix), width: String(width), precision },
        { ...identity(other.matrix), width: String(other.width), precision: other.precision },
      )
      const theirs = other.state.data
      const sum = largest(flushed()) + largest(theirs)
      if (sum > MOST[precision])
        throw new RangeError(
          `${KIND}: cannot merge, a sum of the two would leave ${precision === 'f32' ? 'float32' : 'float64'}`,
        )
      state.addNumbers(theirs)
      rows = Math.max(rows, other.rows)
    },
    toBytes() {
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: {
          ...identity(matrix),
          width: String(width),
          rows: String(rows),
          first: String(count > 0 ? first : 0),
        },
        tensors: {
          state: { dtype: precision === 'f64' ? 'F64' : 'F32', shape: [matrix.m, width], data: state.read() },
          buffer: { dtype: 'F32', shape: [count, width], data: held().data },
        },
      })
    },
    [Symbol.dispose]: () => state.dispose(),
  }
  return self
}

/** The largest magnitude; Infinity where an entry is NaN. */
function largest(numbers: Float32Array | Float64Array): number {
  let most = 0
  for (const x of numbers) if (!(Math.abs(x) <= most)) most = Number.isNaN(x) ? Infinity : Math.abs(x)
  return most
}

/** The parameters that decide a sketch matrix: where they are equal, two matrices are the same. */
function identity(matrix: SketchMatrix): Record<string, string> {
  return { matrix: matrix.kind, m: String(matrix.m), seed: String(matrix.seed) }
}

/** Checks that two sketch matrices are the same. @throws RangeError that names the first parameter that differs */
export function requireSame(who: string, mine: Record<string, string>, theirs: Record<string, string>): void {
  for (const name of Object.keys(mine)) {
    if (mine[name] !== theirs[name]) {
      throw new RangeError(`${who}: ${name} differs: ${mine[name]} here, ${theirs[name]} there`)
    }
  }
}
