import type { Floats, ProductForm } from '../kernels'
import type { Machine } from '../module'
import type { Staging } from '../staging'

const COLUMNS = 4096
const ENTRIES = 65536 // most entries of b in one call

/** Computes a·b or aᵀ·b with few rows, row by row; b is read where it lies. The sums are in the same order as in the tiles. */
export function simdRowProduct({ wasm }: Machine, staging: Staging) {
  return (
    form: ProductForm,
    out: Floats,
    a: Floats,
    b: Floats,
    rows: number,
    inner: number,
    cols: number,
    accumulate: boolean,
  ): void => {
    const outAt = staging.floats(out)
    const aAt = staging.floats(a)
    const bAt = staging.floats(b)
    const width = Math.min(cols, COLUMNS)
    const depth = Math.min(inner, Math.max(16, Math.floor(ENTRIES / width)))
    const edge = staging.region(4 * (32 + rows * (depth + 2 * width) + depth * width) + 256)
    const stagedA = edge + 128
    const stagedOut = stagedA + rows * depth * 4
    const partial = stagedOut + rows * width * 4
    const stagedB = partial + rows * width * 4

    for (let c0 = 0; c0 < cols; c0 += width) {
      const w = Math.min(width, cols - c0)
      const c = outAt ? outAt + c0 * 4 : stagedOut
      const cRow = outAt ? cols * 4 : w * 4
      if (!outAt && accumulate) staging.rowsIn(c, out, c0, cols, rows, w)
      for (let k0 = 0; k0 < inner; k0 += depth) {
        const k = Math.min(depth, inner - k0)
        const last = k0 + k === inner
        if (!bAt) staging.rowsIn(stagedB, b, k0 * cols + c0, cols, k, w)
        const right = bAt ? bAt + (k0 * cols + c0) * 4 : stagedB
        if (!aAt && form === 'tn') staging.in(stagedA, a, k0 * rows, k * rows)
        if (!aAt && form === 'nn') staging.rowsIn(stagedA, a, k0, inner, rows, k)
        const left = aAt ? aAt + (form === 'tn' ? k0 * rows : k0) * 4 : stagedA
        const leftRow = form === 'tn' ? 4 : (aAt ? inner : k) * 4
        for (let r = 0; r < rows; r++) {
          const into = c + r * cRow
          const waiting = accumulate ? partial + r * w * 4 : into
          wasm.rowProduct({
            a: left + r * leftRow,
            aStep: form === 'tn' ? rows * 4 : 4,
            b: right,
            bStep: bAt ? cols * 4 : w * 4,
            inner: k,
            cols: w,
            c: last ? into : waiting,
            from: k0 === 0 ? 0 : waiting,
            add: accumulate && last,
            edge,
          })
        }
      }
      if (!outAt) staging.rowsOut(out, c0, cols, c, rows, w)
    }
  }
}
