import { isFloat32 } from '../brand'
import type { Floats, Kernels, ProductForm } from '../kernels'
import type { Machine } from '../module'
import type { Staging } from '../staging'
import { simdRowProduct } from './row-product'

const TILE = 256 // most rows, columns and inner entries of one call: at most 17 million multiply-adds, about 1 ms
const SQUARE = TILE * TILE * 4
const FEW = 3 // most rows that go one by one: a tile of four would waste too much
const THIN = 8 // most rows for which packing b costs more than it gains

/** How the tiles find one operand: `at`, the bytes between its inner entries, the bytes between its strips or panels. */
interface Side {
  /** 16, 32, 64 or 128: dense rows of that length, read where they are. 0: packed, entries side by side. */
  direct: number
  at: number
  step: number
  next: number
}

/** Matrix product in tiles of at most 256³. Partial sums of a long inner dimension wait in float32, as a register would hold them. */
export function simdProduct(machine: Machine, staging: Staging): Kernels['product'] {
  const { wasm } = machine
  const rowProduct = simdRowProduct(machine, staging)
  const left: Side = { direct: 0, at: 0, step: 0, next: 0 }
  const right: Side = { direct: 0, at: 0, step: 0, next: 0 }

  return (form, out, a, b, rows, inner, cols, accumulate = false) => {
    if (inner === 0 && !accumulate) clear(out, rows * cols)
    if (rows === 0 || cols === 0 || inner === 0) return
    if (rows <= FEW && form !== 'nt') return rowProduct(form, out, a, b, rows, inner, cols, accumulate)
    const outAt = staging.floats(out)
    const aAt = staging.floats(a)
    const bAt = staging.floats(b)
    const edge = staging.region(6 * SQUARE + 128)
    const stagedOut = edge + 128
    const partial = stagedOut + SQUARE
    const scratchA = partial + SQUARE
    const scratchB = scratchA + 2 * SQUARE

    for (let c0 = 0; c0 < cols; c0 += TILE) {
      const width = Math.min(TILE, cols - c0)
      let ready = -1 // the inner index of the slice of b that `right` describes
      for (let r0 = 0; r0 < rows; r0 += TILE) {
        const height = Math.min(TILE, rows - r0)
        const first = r0 * cols + c0
        const c = outAt ? outAt + first * 4 : stagedOut
        const cRow = outAt ? cols * 4 : width * 4
        if (!outAt && accumulate) staging.rowsIn(c, out, first, cols, height, width)
        const waiting = accumulate ? partial : c
        const waitingRow = accumulate ? width * 4 : cRow

        for (let k0 = 0; k0 < inner; k0 += TILE) {
          const depth = Math.min(TILE, inner - k0)
          const last = k0 + depth === inner
          takeLeft(form, a, aAt, r0, height, rows, k0, depth, inner, width, scratchA)
          if (ready !== k0) takeRight(form, b, bAt, c0, width, cols, k0, depth, inner, rows, scratchB)
          ready = k0
          wasm.product({
            direct: left.direct,
            a: left.at,
            aStep: left.step,
            aStrip: left.next,
            b: right.at,
            bStep: right.step,
            bPanel: right.next,
            rows: height,
            inner: depth,
            cols: width,
            c: last ? c : waiting,
            cRow: last ? cRow : waitingRow,
            from: k0 === 0 ? 0 : waiting,
            fromRow: waitingRow,
            add: accumulate && last,
            edge,
          })
        }
        if (!outAt) staging.rowsOut(out, first, cols, c, height, width)
      }
    }
  }

  /** Prepares rows r0 … of a, inner entries k0 …: in place where the tiles can read them so, else packed into strips of 4 rows. */
  function takeLeft(
    form: ProductForm,
    a: Floats,
    aAt: number,
    r0: number,
    height: number,
    rows: number,
    k0: number,
    depth: number,
    inner: number,
    width: number,
    scratch: number,
  ): void {
    const packed = scratch + SQUARE
    left.direct = 0
    left.at = packed
    left.step = 16
    left.next = depth * 16
    if (form === 'tn') {
      const first = k0 * rows + r0
      if (!aAt) staging.rowsIn(scratch, a, first, rows, depth, height)
      const at = aAt ? aAt + first * 4 : scratch
      const row = aAt ? rows * 4 : height * 4
      // With few columns each strip is read so seldom that packing does not pay.
      if (width > 32 && depth > 4) wasm.packStrips({ to: packed, from: at, fromRow: row, inner: depth, rows: height })
      else {
        left.at = at
        left.step = row
        left.next = 16
      }
      return
    }
    const first = r0 * inner + k0
    if (!aAt) staging.rowsIn(scratch, a, first, inner, height, depth)
    const at = aAt ? aAt + first * 4 : scratch
    if (depth === inner && (inner === 64 || inner === 32 || inner === 128 || inner === 16)) {
      left.direct = inner
      left.at = at
    } else wasm.packRows({ to: packed, from: at, fromRow: aAt ? inner * 4 : depth * 4, rows: height, inner: depth })
  }

  /** Prepares columns c0 … of b, inner entries k0 …: packed into panels of 8 columns, unless few rows will read them. */
  function takeRight(
    form: ProductForm,
    b: Floats,
    bAt: number,
    c0: number,
    width: number,
    cols: number,
    k0: number,
    depth: number,
    inner: number,
    rows: number,
    scratch: number,
  ): void {
    const packed = scratch + SQUARE
    right.at = packed
    right.step = 32
    right.next = depth * 32
    if (form === 'nt') {
      const first = c0 * inner + k0
      if (!bAt) staging.rowsIn(scratch, b, first, inner, width, depth)
      const from = bAt ? bAt + first * 4 : scratch
      wasm.packColumns({ to: packed, from, fromRow: bAt ? inner * 4 : depth * 4, cols: width, inner: depth })
      return
    }
    const first = k0 * cols + c0
    if (!bAt) staging.rowsIn(scratch, b, first, cols, depth, width)
    const at = bAt ? bAt + first * 4 : scratch
    const row = bAt ? cols * 4 : width * 4
    if (rows > THIN) wasm.packPanels({ to: packed, from: at, fromRow: row, inner: depth, cols: width })
    else {
      right.at = at
      right.step = row
      right.next = 32
    }
  }
}

function clear(out: Floats, count: number): void {
  if (isFloat32(out)) out.fill(0, 0, count)
  else out.range(0, count).fill(0)
}
