import type { Kernels, Resident } from '../kernels'
import { levelsOf } from '../levels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

const CHUNK = 8192 // doubles that pass through scratch at once, or one row

interface Table {
  readonly entries: Resident<Float64Array>
  readonly last: number
  readonly top: number
}

export function simdPack({ wasm, arena }: Machine, staging: Staging): Kernels['pack'] {
  const tables = new Map<number, Table>()

  /** The levels about every half step, as the kernel reads them; kept, 12 kB at most. */
  const tableOf = (bits: number): Table => {
    const known = tables.get(bits)
    if (known) return known
    const { levels, borders, starts } = levelsOf(bits)
    const entries = arena.doubles(4 * starts.length)
    const rows = Array.from(starts, (m) => [levels[m], levels[m + 1] ?? 0, borders[m] ?? Infinity, m])
    entries.write(Float64Array.from(rows.flat()))
    const table = { entries, last: starts.length - 1, top: levels[levels.length - 1] }
    tables.set(bits, table)
    return table
  }

  return ({ codes, offset, stride, bits }, first, x, rows, width, trials) => {
    if (rows === 0) return
    const { entries, last, top } = tableOf(bits)
    const even = (trials.length + 1) & -2
    const xAt = staging.doubles(x)
    const most = xAt ? rows : Math.min(rows, Math.max(1, Math.floor(CHUNK / width)))
    const factors = staging.region(8 * (even + (xAt ? 0 : most * width)))
    const staged = factors + 8 * even
    arena.f64.set(trials, factors / 8)
    if (even > trials.length) arena.f64[factors / 8 + even - 1] = trials[0]
    const to = residentOffset('simd', codes, 1) + offset + first * stride
    const table = residentOffset('simd', entries, 8)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!xAt) staging.doublesIn(staged, x, r * width, part * width)
      wasm.packCodes({
        to: to + r * stride,
        stride,
        bits,
        x: xAt || staged,
        rows: part,
        width,
        trials: factors,
        count: even,
        top,
        table,
        last,
      })
    }
  }
}
