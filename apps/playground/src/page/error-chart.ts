import * as Plot from '@observablehq/plot'
import type { HeadReport } from '../heads/heads-worker'

/** Colours that colour-blind readers can tell apart (Okabe and Ito), by place. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f', '#b8860b', '#8b5cf6']

/** Draws error against share of the exact cache, one line for each method with its name at its end. */
export function errorChart({ ratings, meanError }: HeadReport, width: number): Element {
  const names = [...new Set(ratings.map(({ stream }) => stream))]
  const colour = ({ stream }: { readonly stream: string }) => COLOURS[names.indexOf(stream) % COLOURS.length]
  const ends = names.map((stream) =>
    ratings.filter((one) => one.stream === stream).reduce((a, b) => (a.share < b.share ? a : b)),
  )
  const least = Math.min(...ratings.map(({ error }) => error).filter((error) => error > 0)) / 2 // 0 has no place on a scale of logarithms
  const drawn = Plot.plot({
    width,
    height: 400,
    marginRight: 110,
    marginBottom: 52,
    style: { fontSize: '13px', background: 'transparent' },
    x: {
      type: 'log',
      reverse: true,
      label: 'bytes held, of the exact cache',
      labelOffset: 44,
      ticks: [1 / 4, 1 / 8, 1 / 16, 1 / 32],
      tickFormat: (x: number) => `1/${Math.round(1 / x)}`,
    },
    y: {
      type: 'log',
      label: 'relative error',
      grid: true,
      tickFormat: (x: number) => `${Number((100 * x).toPrecision(1))} %`,
    },
    marks: [
      Plot.ruleY([meanError], { strokeDasharray: '4 4' }),
      Plot.text([{ share: 1 / 4, error: meanError }], {
        x: 'share',
        y: 'error',
        text: () => 'mean of the values',
        dy: -8,
        textAnchor: 'start',
      }),
      Plot.ruleX(
        ratings.flatMap(({ interval, ...one }) =>
          interval ? [{ ...one, low: Math.max(least, interval[0]), high: interval[1] }] : [],
        ),
        { x: 'share', y1: 'low', y2: 'high', stroke: colour, strokeWidth: 1.5, strokeOpacity: 0.6 },
      ),
      Plot.line(ratings, { x: 'share', y: 'error', z: 'stream', stroke: colour, strokeWidth: 2 }),
      Plot.dot(ratings, {
        x: 'share',
        y: 'error',
        fill: colour,
        r: 3,
        title: ({ stream, error }) => `${stream}: ${error.toPrecision(3)}`,
      }),
      Plot.text(
        spread(
          ends,
          ratings.map(({ error }) => error),
        ),
        { x: 'share', y: 'error', text: 'stream', fill: colour, dx: 8, textAnchor: 'start' },
      ),
    ],
  })
  for (const style of drawn.querySelectorAll('style')) style.remove() // a strict policy allows no styles within; page.css has them
  for (const part of drawn.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label') // a part without a role may have no name
  drawn.setAttribute('class', 'plot')
  drawn.setAttribute('role', 'img')
  drawn.setAttribute('aria-label', 'Error by method and bytes; the table below has the numbers')
  return drawn
}

/** Moves names at the ends of lines apart where they would overlap: on a logarithmic scale, by a 22nd of it. */
function spread<T extends { readonly error: number }>(ends: readonly T[], all: readonly number[]): T[] {
  const step = (Math.max(...all) / Math.min(...all)) ** (1 / 22)
  const out: T[] = []
  let last = 0
  for (const end of ends.toSorted((a, b) => a.error - b.error)) {
    last = Math.max(end.error, last * step)
    out.push({ ...end, error: last })
  }
  return out
}
