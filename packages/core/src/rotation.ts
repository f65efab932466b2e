import type { Matrix } from './contracts'
import type { Rotary } from './head'

/** How many places share a row of the high table. */
const SPAN = 64
const MOST_TABLES = 16

/** Turns rows: returns a copy in which row r is turned as a token at place placeOf(r); places may be negative. */
export type Rotation = (rows: Matrix, placeOf: (row: number) => number) => Matrix

/** Cosines and sines at the places 0 … SPAN − 1, and at the multiple of SPAN that was last asked for. */
interface Tables {
  readonly frequencies: Float64Array // pairs
  readonly low: Float64Array // SPAN × 2·pairs
  readonly high: Float64Array // 2·pairs
  at: number
}

const tables = new Map<string, Tables>()

/**
 * Turns keys and queries by their places (rotary position embedding, RoPE).
 *
 * Source: RoFormer (Su et al., 2021).
 *
 * Guarantee: angles have a relative error of 1e-15 and a few ulp more; cosines and sines are float64 at every place; the result is rounded once, to
 *   6e-8 of the pair's length. A row's bits depend on the row and its place alone.
 * Cost: six multiplications a pair; two tables a set of frequencies, shared by all streams.
 */
export function rotation(rotary: Rotary, d: number): Rotation {
  const { pairing, first = 0, width = d - first } = rotary
  const pairs = width / 2
  const own = tablesOf(rotary, pairs)
  const [step, gap] = pairing === 'halves' ? [1, pairs] : [2, 1]
  const turns = new Float64Array(2 * pairs)

  return ({ rows, cols, data }, placeOf) => {
    const out = data.slice(0, rows * cols)
    let last = NaN
    for (let r = 0; r < rows; r++) {
      const place = placeOf(r)
      if (place !== last) anglesAt(own, (last = place), turns)
      for (let i = 0, at = r * cols + first; i < 2 * pairs; i += 2, at += step) {
        const cosine = turns[i]
        const sine = turns[i + 1]
        const a = data[at]
        const b = data[at + gap]
        out[at] = a * cosine - b * sine
        out[at + gap] = a * sine + b * cosine
      }
    }
    return { rows, cols, data: out }
  }
}

function tablesOf(rotary: Rotary, pairs: number): Tables {
  const { base = 1, frequencies, scaling } = rotary
  const speeds = Float64Array.from(
    { length: pairs },
    (_, i) => (frequencies?.[i] ?? base ** (-i / pairs)) * (scaling?.[i] ?? 1),
  )
  const key = speeds.join()
  const found = tables.get(key)
  if (found) return found
  const low = new Float64Array(SPAN * 2 * pairs)
  for (let place = 0; place < SPAN; place++) fill(speeds, place, low.subarray(place * 2 * pairs))
  const made = { frequencies: speeds, low, high: new Float64Array(2 * pairs), at: NaN }
  if (tables.size >= MOST_TABLES) tables.clear()
  tables.set(key, made)
  return made
}

/** Cosine and sine of every pair at a place, by the sum of two angles. */
function anglesAt(own: Tables, place: number, out: Float64Array): void {
  const { frequencies, low, high } = own
  const base = SPAN * Math.floor(place / SPAN)
  if (base !== own.at) fill(frequencies, (own.at = base), high)
  const from = (place - base) * 2 * frequencies.length
  for (let i = 0, at = from; i < out.length; i += 2, at += 2) {
    const a = high[i]
    const b = high[i + 1]
    const c = low[at]
    const s = low[at + 1]
    out[i] = a * c - b * s
    out[i + 1] = b * c + a * s
  }
}

function fill(frequencies: Float64Array, place: number, out: Float64Array): void {
  for (let i = 0; i < frequencies.length; i++) {
    out[2 * i] = Math.cos(place * frequencies[i])
    out[2 * i + 1] = Math.sin(place * frequencies[i])
  }
}
