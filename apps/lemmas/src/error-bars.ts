import { drawing } from './element.ts'

/** Bars up to twice the bound; what is beyond is in the last one. */
const BARS = 20
const HEIGHT = 40
const WIDTH = 10

/** Counts of errors by their size, in units of the bound: ten bars are within it, ten beyond. */
export function bins(errors: readonly number[]): number[] {
  const counts = Array.from({ length: BARS }, () => 0)
  for (const error of errors) {
    const at = Math.floor((error * BARS) / 2)
    const place = error > 1 ? Math.max(BARS / 2, at) : Math.min(BARS / 2 - 1, at)
    counts[Number.isNaN(error) ? BARS - 1 : Math.min(BARS - 1, place)]++
  }
  return counts
}

/** Draws how large the errors were, with a line at the bound. */
export function errorBars(errors: readonly number[]): SVGElement {
  const counts = bins(errors)
  const most = Math.max(1, ...counts)
  const largest = errors.reduce((a, b) => Math.max(a, b), 0)
  return drawing(
    'svg',
    {
      viewBox: `0 0 ${BARS * WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `Sizes of the errors; the largest is ${Number(largest.toPrecision(2))} of the bound`,
    },
    ...counts.map((count, i) => {
      const height = count === 0 ? 0 : Math.max(1, (HEIGHT * count) / most)
      return drawing('rect', {
        class: i < BARS / 2 ? 'within' : 'beyond',
        x: i * WIDTH + 0.5,
        y: HEIGHT - height,
        width: WIDTH - 1,
        height,
      })
    }),
    drawing('line', { class: 'bound', x1: (BARS / 2) * WIDTH, x2: (BARS / 2) * WIDTH, y1: 0, y2: HEIGHT }),
  )
}
