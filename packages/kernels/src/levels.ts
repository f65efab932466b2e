/** The levels that codes of some bits stand for, and where they meet. */
export interface Levels {
  /** Levels m = 0 … 2^(bits − 1) − 1 are ±u·(1 + 2u²/4^bits) with u = m + ½, in units of a row's step. */
  readonly levels: Float64Array
  /** Border m lies halfway between the levels m and m + 1; none above the last. */
  readonly borders: Float64Array
  /** starts[k]: the lowest level whose upper border lies above k/2. Borders are a step apart at least: a half step has one at most. */
  readonly starts: Uint8Array
}

const made = new Map<number, Levels>()

/** @param bits  2 … 8 */
export function levelsOf(bits: number): Levels {
  const known = made.get(bits)
  if (known) return known
  const size = 2 ** (bits - 1)
  const levels = Float64Array.from(
    { length: size },
    (_, m) => (m + 0.5) * (1 + (2 * (m + 0.5) * (m + 0.5)) / 4 ** bits),
  )
  const borders = Float64Array.from({ length: size - 1 }, (_, m) => (levels[m] + levels[m + 1]) / 2)
  const starts = new Uint8Array(2 * Math.ceil(borders[size - 2]) + 2)
  for (let k = 0, m = 0; k < starts.length; k++) {
    while (m < size - 1 && borders[m] <= k / 2) m++
    starts[k] = m
  }
  const all = { levels, borders, starts }
  made.set(bits, all)
  return all
}
