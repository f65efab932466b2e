import type { Board, BoardCell } from '@sublinear/board'
import { bestLines, boardTable, errorText, faults, UNIT_WORDS } from './board-text'
import { htmlPage, htmlTable, htmlTextTable, safe } from './html-page'
import { bytesText } from './report'
import { errorChart, memoryChart, swatch } from './report-charts'

/**
 * The board as one HTML page: charts, tables, and how to make it again. It loads nothing, runs nothing, and every word that comes from
 * outside is escaped.
 */
export function reportPage(board: Board): string {
  const { heads, prefix, queries, streams, reproduce } = board
  const names = heads.map(({ name }) => name)
  const shown = typicalBudget(board)
  const { float32 } = heads[0].cacheBytes
  const intro =
    `${prefix} tokens were summarised, the next ${queries} asked causally, on ${heads.length === 1 ? `head ${names[0]}` : `${heads.length} heads`}. ` +
    `Every stream gets the same bytes, everything counted; the float32 cache of the ${prefix} tokens is ${bytesText(float32)} a head, a float16 one half of it.`
  return htmlPage(
    'Attention at equal bytes',
    `<p>${safe(intro)}</p>
<ul class="best">${bestLines(board)
      .map((line) => `<li>${safe(line)}</li>`)
      .join('')}</ul>
${faultList(board)}
<ul class="legend">
${streams.map((stream, i) => `<li>${swatch(i)} ${safe(stream)}</li>`).join('\n')}
<li><svg width="32" height="12" viewBox="0 0 32 12"><path d="M0 6H32" stroke="#8a8a8a" stroke-width="2" stroke-dasharray="2 4"/></svg> uniform sample, cache</li>
</ul>
<div class="charts">
<figure>${errorChart(board)}<figcaption>${safe(UNIT_WORDS.relative)}, mean over the heads, against bytes held. Lower left is better.</figcaption></figure>
<figure>${memoryChart(board, shown)}<figcaption>Bytes held while tokens come in: head ${safe(names[0])}, budget ${safe(heads[0].budgets[shown].name)}.</figcaption></figure>
</div>
<h2>All budgets</h2>
${htmlTextTable(boardTable(board))}
<h2>Head by head</h2>
${heads[0].budgets.map((_, b) => headTable(board, b, b === shown)).join('\n')}
<h2>Make it again</h2>
<pre>${safe(reproduce)}</pre>`,
  )
}

/** The smallest budget that most streams fit: what the memory chart and the open table show. */
function typicalBudget({ heads }: Board): number {
  const fitting = heads[0].budgets.map(({ cells }) => cells.filter(({ outcome }) => outcome === 'within').length)
  return fitting.lastIndexOf(Math.max(...fitting))
}

function faultList(board: Board): string {
  const lines = faults(board)
  return lines.length === 0 ? '' : `<ul class="faults">${lines.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`
}

function headTable({ heads, streams }: Board, budget: number, open: boolean): string {
  const first = heads[0].budgets[budget]
  const rows = heads.map(({ name, budgets, uniform }) => {
    const { cells, sample } = budgets[budget]
    const best = Math.min(...cells.map(({ outcome, errors }) => (outcome === 'within' ? errors!.relative : Infinity)))
    const references = [sample, uniform].map(({ relative }) => `<td>${relative.toFixed(3)}</td>`)
    return `<tr><th scope="row">${safe(name)}</th>${cells.map((cell) => cellOf(cell, best)).join('')}${references.join('')}</tr>`
  })
  return `<details${open ? ' open' : ''}><summary>${safe(first.name)}, ${bytesText(first.bytes)} a head</summary>
${htmlTable(['head', ...streams, 'uniform sample', 'mean of V'], rows)}
</details>`
}

/** Shaded the more, the closer to exact. */
function cellOf({ outcome, errors }: BoardCell, best: number): string {
  if (outcome !== 'within') return `<td>${errorText({ outcome })}</td>`
  const { relative } = errors!
  const shade = Math.round(70 * Math.max(0, 1 - relative))
  const figure = relative === best ? `<strong>${relative.toFixed(3)}</strong>` : relative.toFixed(3)
  return `<td style="background:color-mix(in srgb, var(--good) ${shade}%, transparent)">${figure}</td>`
}
