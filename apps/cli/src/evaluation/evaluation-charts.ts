import * as Plot from '@observablehq/plot'
import { draw, GREY, lookOf } from '../report-charts'
import type { CellResult } from './results'

/** Draws recall, or bits per byte, by budget: a line for each method, in the order of `methods`; exact is the dashed line. */
export function scoreChart(cells: readonly CellResult[], methods: readonly string[]): string {
  const isNeedle = cells.some(({ needles }) => needles)
  const exact = score(cells.find(({ method }) => method === 'exact'))
  const budgets = [...new Set(cells.filter(({ method }) => method !== 'exact').map(({ budget }) => budget))]
  const points = cells.flatMap((cell) => {
    const found = score(cell)
    return cell.outcome === 'within' && cell.method !== 'exact' && found !== undefined
      ? [{ ...cell, score: found }]
      : []
  })
  return draw({
    x: { type: 'point', domain: budgets, label: 'share of the float32 cache' },
    y: { label: isNeedle ? 'recall' : 'bits per byte', grid: true, ...(isNeedle && { domain: [0, 1] }) },
    marks: [
      ...(exact === undefined ? [] : [Plot.ruleY([exact], { stroke: GREY, strokeDasharray: '4 3' })]),
      ...methods.flatMap((method, i) => {
        const own = points.filter((point) => point.method === method)
        const { colour, dash, symbol } = lookOf(i)
        return [
          Plot.line(own, { x: 'budget', y: 'score', stroke: colour, strokeDasharray: dash, strokeWidth: 2 }),
          Plot.dot(own, { x: 'budget', y: 'score', fill: colour, symbol, r: 4, title: titleOf }),
        ]
      }),
    ],
  })
}

const score = (cell: CellResult | undefined) => cell?.needles?.recall ?? cell?.perplexity?.bitsPerByte

const titleOf = ({ method, budget, score }: { method: string; budget: string; score: number }) =>
  `${method}, ${budget}: ${score.toFixed(3)}`

/** Draws recall by depth (across) and length (blocks), a row for each method: the darker, the more. */
export function heatChart(cells: readonly CellResult[], depths: readonly number[]): string {
  const methods = [...new Set(cells.map(({ method }) => method))]
  const lengths = [...new Set(cells.map(({ tokens }) => tokens))]
  const squares = cells.flatMap(({ method, tokens, needles, outcome }) =>
    outcome === 'within' ? depths.map((depth, i) => ({ method, tokens, depth, recall: needles!.recallAt[i] })) : [],
  )
  return draw({
    width: 150 + Math.max(570, 34 * depths.length * lengths.length),
    height: 60 + 24 * methods.length,
    marginLeft: 110,
    marginRight: 8,
    marginTop: 34,
    fx: { domain: lengths, label: 'tokens', padding: 0.06 },
    x: { type: 'band', domain: [...depths], label: null, padding: 0.05, tickRotate: depths.length > 3 ? -45 : 0 },
    y: { type: 'band', domain: methods, label: null, padding: 0.05 },
    marks: [
      Plot.cell(squares, { fx: 'tokens', x: 'depth', y: 'method', fill: '#3a9d5d', fillOpacity: 'recall' }),
      Plot.text(squares, {
        fx: 'tokens',
        x: 'depth',
        y: 'method',
        text: ({ recall }: { recall: number }) =>
          recall
            .toFixed(recall === 1 ? 0 : 1)
            .replace(/^0\./, '.')
            .replace('.0', '0'),
        fontSize: 10,
        fill: 'currentColor',
      }),
    ],
    opacity: { type: 'identity' },
  })
}
