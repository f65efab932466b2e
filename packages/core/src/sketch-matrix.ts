import { isFloat32, kernels, rangeOf, type Floats, type Resident, sketchKernels } from '@sublinear/kernels'
import type { Matrix, Seed, SketchMatrix } from './contracts'
import { checkInteger, checkMatrix, checkSeed, checkShape } from './check'

/** Columns are made and multiplied in groups that end at multiples of this index. */
export const BLOCK = 64

export interface DenseColumns {
  /** Kind: the name of everything that decides Ψ beside m and seed, options included: `ams`, `srht/4096`. */
  readonly kind: string
  readonly m: number
  /** 64 bits that decide every column. */
  readonly seed: Seed
  /** Bytes of the description of Ψ beside kind, m and seed. */
  readonly bytes?: number | undefined
  /** Variance of inner products, defined as `SketchMatrix.innerVariance` is. */
  readonly innerVariance?: number | undefined
  /** Fills out (m × count, row-major) with columns first … first + count − 1; count ≤ 64, never across a multiple of 64. */
  columns(first: number, count: number, out: Float32Array): void
  /** Fills the first m · count numbers of an array of the kernels with the same columns, where they can be made there. */
  residentColumns?(first: number, count: number, out: Resident<Float32Array>): void
}

/**
 * Makes a dense sketch matrix from a function that fills columns; the kernels multiply up to 64 columns at a time.
 *
 * Cost: for a block of `count` rows, m · count entries to make and a product of 2·m·count·w operations; m · 64 floats of scratch, shared by all sketches.
 *
 * @throws TypeError, RangeError when m is no integer ≥ 1 or seed no 64-bit integer
 */
export function denseSketchMatrix(options: DenseColumns): SketchMatrix {
  const { kind, m, seed, bytes = 0, columns, residentColumns, innerVariance } = options
  checkInteger(kind, 'm', m, 1)
  let scratch: Float32Array | undefined
  /** Makes Ψ[:, index … index + count) as m × count numbers, valid until the next call. */
  const made = (index: number, count: number): Floats => {
    if (residentColumns && count > FEW) {
      const entries = residentScratch(m * BLOCK)
      residentColumns(index, count, entries)
      return entries
    }
    scratch ??= new Float32Array(m * BLOCK)
    const entries = scratch.subarray(0, m * count)
    columns(index, count, entries)
    return entries
  }
  const add = (into: Floats, block: Floats, rows: number, width: number, first: number) => {
    for (let from = 0; from < rows;) {
      const index = first + from
      const count = Math.min(rows - from, BLOCK - (index % BLOCK))
      const entries = made(index, count)
      const part = rangeOf(block, from * width, count * width)
      if (isFloat32(into) && isFloat32(entries) && isFloat32(part) && part.length === 1)
        addColumn(into, entries, part[0])
      else kernels().product('nn', into, entries, part, m, count, width, true)
      from += count
    }
  }
  return {
    kind,
    m,
    seed: checkSeed(kind, seed),
    bytes,
    ...(innerVariance !== undefined && { innerVariance }),
    accumulate(into, block, first) {
      checkAccumulate(kind, m, into, block, first)
      add(into.data, block.data, block.rows, block.cols, first)
    },
    resident: { accumulate: add },
  }
}

/** Up to so many columns an ordinary array is faster. */
const FEW = 4

let spare: Resident<Float32Array> | undefined

/** Scratch of the process, shared by all sketch matrices, valid until the next call. */
function residentScratch(length: number): Resident<Float32Array> {
  if (spare && spare.length >= length) return spare
  spare?.[Symbol.dispose]()
  return (spare = kernels().floats(length))
}

/** How many entries are listed at once. A long block then takes few calls of the kernel, each of which copies `into` in and out. */
const ENTRIES = 32768

/** Adds one number times one column, as streams of counts need it: the same bits as the kernel's product, in a tenth of its time. */
function addColumn(into: Float32Array, column: Float32Array, factor: number): void {
  for (let i = 0; i < column.length; i++) into[i] += Math.fround(column[i] * factor)
}

export interface SparseEntries {
  /** Kind: the name of everything that decides Ψ beside m and seed, options included: `osnap/8`. */
  readonly kind: string
  readonly m: number
  readonly seed: Seed
  readonly bytes?: number | undefined
  readonly innerVariance?: number | undefined
  /** Number of entries of a column that are not zero. */
  readonly nonzeros: number
  /** Lists columns first … first + count − 1: entry e of column c is values[c·nonzeros + e] at row rows[c·nonzeros + e] < m. */
  entries(first: number, count: number, rows: Uint32Array, values: Float32Array): void
}

/**
 * Makes a sketch matrix with few nonzeros a column from a function that lists them. Rows are added where the nonzeros are; Ψ is never written out.
 *
 * Cost: 2·nonzeros·w operations a row, and 8·m·w bytes copied for every 32768 entries; up to 256 KiB of scratch.
 *
 * @throws TypeError, RangeError when m or nonzeros is no integer ≥ 1 or seed no 64-bit integer
 */
export function sparseSketchMatrix(options: SparseEntries): SketchMatrix {
  const { kind, m, seed, bytes = 0, nonzeros, entries, innerVariance } = options
  checkInteger(kind, 'm', m, 1)
  checkInteger(kind, 'nonzeros', nonzeros, 1)
  const most = Math.max(1, Math.floor(ENTRIES / nonzeros))
  let targets = new Uint32Array(0)
  let factors = new Float32Array(0)
  const add = (into: Floats, block: Floats, rows: number, width: number, first: number) => {
    const size = Math.min(rows, most) * nonzeros
    if (targets.length < size) {
      targets = new Uint32Array(size)
      factors = new Float32Array(size)
    }
    for (let from = 0; from < rows;) {
      const count = Math.min(rows - from, most)
      entries(first + from, count, targets, factors)
      sketchKernels().scatterAdd(
        into,
        rangeOf(block, from * width, count * width),
        targets,
        factors,
        count,
        nonzeros,
        width,
      )
      from += count
    }
  }
  return {
    kind,
    m,
    seed: checkSeed(kind, seed),
    bytes,
    ...(innerVariance !== undefined && { innerVariance }),
    accumulate(into, block, first) {
      checkAccumulate(kind, m, into, block, first)
      add(into.data, block.data, block.rows, block.cols, first)
    },
    resident: { accumulate: add },
  }
}

function checkAccumulate(kind: string, m: number, into: Matrix, block: Matrix, first: number): void {
  checkShape(kind, 'block', block)
  checkShape(kind, 'into', into, block.cols, m)
  checkInteger(kind, 'first', first, 0)
  checkInteger(kind, 'first + block.rows', first + block.rows, 0)
}

/**
 * Projects vectors: every row of `vectors` (b × n) times Ψᵀ, which gives b × m. Entry j of a vector belongs to column j of Ψ.
 *
 * @throws TypeError, RangeError when a matrix is malformed or an entry is not finite
 */
export function project(matrix: SketchMatrix, vectors: Matrix): Matrix {
  checkMatrix('project', 'vectors', vectors)
  const { rows, cols } = vectors
  const product = { rows: matrix.m, cols: rows, data: new Float32Array(matrix.m * rows) } // Ψ·vectorsᵀ
  const part = new Float32Array(BLOCK * rows)
  for (let first = 0; first < cols; first += BLOCK) {
    const count = Math.min(BLOCK, cols - first)
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < count; c++) part[c * rows + r] = vectors.data[r * cols + first + c]
    }
    matrix.accumulate(product, { rows: count, cols: rows, data: part.subarray(0, count * rows) }, first)
  }
  const out = new Float32Array(rows * matrix.m)
  for (let i = 0; i < matrix.m; i++) for (let r = 0; r < rows; r++) out[r * matrix.m + i] = product.data[i * rows + r]
  return { rows, cols: matrix.m, data: out }
}
