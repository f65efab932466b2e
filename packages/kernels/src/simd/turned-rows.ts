import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import type { Staging } from '../staging'
import { packTo } from './pack'
import { powerIn } from './turn'

const CHUNK = 8192 // most entries that pass through scratch at once, but at least one row

/** Kernels that turn rows of floats: these pass into memory once, become doubles there, and floats or codes again. */
export function simdTurnedRows(
  { wasm, arena }: CodeMachine,
  staging: Staging,
): Pick<CodeKernels, 'packTurned' | 'turnRows'> {
  /** Places in scratch: `most` rows of doubles, as many doubles, signs, as many rows of floats, a row of floats, and `more` bytes. */
  const places = (rows: number, width: number, signs: Int8Array, more: number) => {
    const most = Math.min(rows, Math.max(1, Math.floor(CHUNK / width)))
    const p = powerIn(width)
    const x = staging.region(8 * (most * (width + 1) + 2 * p) + 4 * (most + 1) * width + 8 + more)
    const times = x + 8 * most * width
    const turned = { x, signs: times + 8 * most, width, p, unit: 1 / Math.sqrt(p) }
    arena.f64.set(signs, turned.signs / 8)
    const floats = turned.signs + 16 * p
    const centre = floats + 4 * most * width
    return { most, x, times, turned, floats, centre, end: centre + 4 * width + 8 }
  }
  return {
    packTurned(packed, first, data, rows, width, trials, centre, signs) {
      if (rows === 0) return
      const at = places(rows, width, signs, 8 * (trials.length + 1) + 4 * (width + 1))
      const tried = 8 * Math.ceil(at.end / 8)
      const given = { x: at.x, width, trials: tried, count: trials.length, scaled: tried + 8 * trials.length }
      arena.f64.set(trials, tried / 8)
      staging.in(at.centre, centre, 0, width)
      for (let r = 0; r < rows; r += at.most) {
        const part = Math.min(at.most, rows - r)
        staging.in(at.floats, data, r * width, part * width)
        wasm.withoutCentre({ x: at.x, from: at.floats, rows: part, width, centre: at.centre })
        wasm.turn({ ...at.turned, rows: part, back: false })
        packTo(wasm, packed, first + r, { ...given, rows: part })
      }
    },
    turnRows(out, data, signs, rows, width, back) {
      if (rows === 0 || width === 0) return
      const at = places(rows, width, signs, 4 * width)
      const nothing = at.end
      arena.f32.fill(0, nothing >>> 2, (nothing >>> 2) + width)
      arena.f64.fill(back ? 1 : 0, at.times / 8, at.times / 8 + at.most)
      if (back) staging.in(at.centre, back.centre, 0, width)
      const moved = {
        x: at.x,
        width,
        centre: back ? at.centre : nothing,
        factors: at.times,
        most: back?.most ?? Infinity,
      }
      for (let r = 0; r < rows; r += at.most) {
        const part = Math.min(at.most, rows - r)
        staging.in(at.floats, data, r * width, part * width)
        if (back?.times) staging.doublesIn(at.times, back.times, r, part)
        wasm.withoutCentre({ x: at.x, from: at.floats, rows: part, width, centre: nothing })
        wasm.turn({ ...at.turned, rows: part, back: back !== undefined })
        wasm.withCentre({ ...moved, to: at.floats, rows: part })
        staging.out(out, r * width, at.floats, part * width)
      }
    },
  }
}
