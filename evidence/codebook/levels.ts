/** How the levels of a codebook lie; all are symmetric about 0. */
export const LAWS = ['even', 'bent', 'Lloyd-Max'] as const
export type Law = (typeof LAWS)[number]

/** The positive half of 2^bits levels, in units that a step multiplies. */
export function levelsOf(law: Law, bits: number): Float64Array {
  const half = 2 ** (bits - 1)
  if (law === 'Lloyd-Max') return lloydMax(half)
  const bend = law === 'bent' ? 2 / 4 ** bits : 0
  return Float64Array.from({ length: half }, (_, m) => (m + 0.5) * (1 + bend * (m + 0.5) ** 2))
}

const CELLS = 1 << 16
const END = 8

/** Lloyd's iteration for a standard Gaussian, over the positive half of its density in cells of 2⁻¹³. */
function lloydMax(half: number): Float64Array {
  const width = END / CELLS
  const mass = new Float64Array(CELLS + 1) // up to the border of each cell
  const moment = new Float64Array(CELLS + 1)
  for (let i = 0; i < CELLS; i++) {
    const x = (i + 0.5) * width
    const density = Math.exp((-x * x) / 2)
    mass[i + 1] = mass[i] + density
    moment[i + 1] = moment[i] + density * x
  }
  const upTo = (sums: Float64Array, x: number) => {
    const at = Math.min(CELLS - 1, Math.floor(x / width))
    return sums[at] + (sums[at + 1] - sums[at]) * (x / width - at)
  }
  let levels = Float64Array.from({ length: half }, (_, m) => ((m + 0.5) * 4) / half)
  for (let round = 0; round < 20_000; round++) {
    const borders = [0, ...levels.subarray(1).map((level, m) => (level + levels[m]) / 2), END]
    const next = levels.map(
      (_, m) =>
        (upTo(moment, borders[m + 1]) - upTo(moment, borders[m])) /
        (upTo(mass, borders[m + 1]) - upTo(mass, borders[m])),
    )
    const moved = Math.max(...next.map((level, m) => Math.abs(level - levels[m])))
    levels = next
    if (moved < 1e-9) break
  }
  return levels
}

/** The level nearest to y ≥ 0. */
function nearest(levels: Float64Array, y: number): number {
  let low = 0
  let high = levels.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (2 * y > levels[middle] + levels[middle + 1]) low = middle + 1
    else high = middle
  }
  return levels[low]
}

/** x in place → its nearest levels times the step. */
export function round(x: Float64Array, levels: Float64Array, step: number): void {
  for (let i = 0; i < x.length; i++) x[i] = Math.sign(x[i]) * nearest(levels, Math.abs(x[i]) / step) * step
}

/** Σ (x − its nearest level times the step)². */
export function squaredError(x: Float64Array, levels: Float64Array, step: number): number {
  let error = 0
  for (let i = 0; i < x.length; i++) {
    const magnitude = Math.abs(x[i])
    error += (magnitude - nearest(levels, magnitude / step) * step) ** 2
  }
  return error
}
