import type { Board, BoardCell } from '@sublinear/board'
import { bestLines, boardTable, errorText, faults, headText, UNIT_WORDS } from './board-text'
import { htmlPage, htmlTable, htmlTextTable, safe } from './html-page'
import { bytesText } from './report'
import { errorChart, memoryChart, swatch } from './report-charts'
import { SENTENCES } from './method-sentences'

/**
 * Writes the board as one HTML page: charts, tables, and how to make it again. The page loads nothing, runs nothing, and every word that comes from
 * outside is escaped.
 */
export function reportPage(board: Board): string {
  const { heads, prefix, queries, streams, reproduce } = board
  const names = heads.map(({ name }) => name)
  const shown = typicalBudget(board)
  const { float32 } = heads[0].cacheBytes
  const intro =
    `${prefix} tokens were summarised and the next ${queries} asked causally, on ${heads.length === 1 ? headText(names[0]) : `${heads.length} heads`}. ` +
    `Every stream gets the same bytes, and everything counts. The float32 cache of the ${prefix} tokens is ${bytesText(float32)} a head; a float16 cache is half of it.`
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
<figure>${errorChart(board)}<figcaption>${safe(sentence(UNIT_WORDS.relative))}${heads.length > 1 ? ', mean over the heads' : ''}, against bytes held. Lower left is better.</figcaption></figure>
<figure>${memoryChart(board, shown)}<figcaption>Bytes held while tokens come in: ${safe(headText(names[0]))}, budget ${safe(heads[0].budgets[shown].name)}. A line falls where tokens that waited in float32 are put into few bits, or into sums.</figcaption></figure>
</div>
${explained(streams)}
<h2>All budgets</h2>
${htmlTextTable(boardTable(board))}
<h2>Head by head</h2>
${heads[0].budgets.map((_, b) => headTable(board, b, b === shown)).join('\n')}
<details class="data"><summary>Data to copy, tab-separated</summary><pre>${safe(dataText(board))}</pre></details>
<h2>Make it again</h2>
<pre>${safe(reproduce)}</pre>`,
  )
}

/** A sentence for each name in the charts that the catalogue has. */
function explained(streams: readonly string[]): string {
  const rows = streams
    .filter((name) => Object.hasOwn(SENTENCES, name))
    .map((name) => `<dt>${safe(name)}</dt><dd>${safe(SENTENCES[name])}</dd>`)
  return rows.length === 0
    ? ''
    : `<details class="names" open><summary>What the names mean</summary><dl>${rows.join('\n')}</dl></details>`
}

/** Writes every cell of the board, a line each. */
function dataText({ heads }: Board): string {
  const lines = heads.flatMap(({ name, budgets }) =>
    budgets.flatMap((budget) =>
      budget.cells.map(({ stream, outcome, errors, bytes }) =>
        [name, budget.name, stream, outcome, bytes ?? '', errors?.relative ?? ''].join('\t'),
      ),
    ),
  )
  return [['head', 'budget', 'stream', 'outcome', 'bytes', 'relative error'].join('\t'), ...lines].join('\n')
}

/** The smallest budget that most streams fit, which the memory chart and the open table show. */
function typicalBudget({ heads }: Board): number {
  const fitting = heads[0].budgets.map(({ cells }) => cells.filter(({ outcome }) => outcome === 'within').length)
  return fitting.lastIndexOf(Math.max(...fitting))
}

function faultList(board: Board): string {
  const lines = faults(board)
  return lines.length === 0 ? '' : `<ul class="faults">${lines.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`
}

const sentence = (words: string) => words[0].toUpperCase() + words.slice(1)

const row = (name: string, cells: readonly string[]) => `<tr><th scope="row">${safe(name)}</th>${cells.join('')}</tr>`

function headTable({ heads, streams }: Board, budget: number, open: boolean): string {
  const first = heads[0].budgets[budget]
  const names = [...streams, 'uniform sample', 'mean of V']
  const columns = heads.map(({ budgets, uniform }) => {
    const { cells, sample } = budgets[budget]
    const best = Math.min(...cells.map(({ outcome, errors }) => (outcome === 'within' ? errors!.relative : Infinity)))
    const references = [sample, uniform].map(({ relative }) => `<td>${relative.toFixed(3)}</td>`)
    return [...cells.map((cell) => cellOf(cell, best)), ...references]
  })
  const places = heads.map(({ name }) => name)
  // The longer list becomes the rows.
  const table =
    heads.length < names.length
      ? htmlTable(
          ['stream', ...places],
          names.map((name, i) =>
            row(
              name,
              columns.map((column) => column[i]),
            ),
          ),
        )
      : htmlTable(
          ['head', ...names],
          columns.map((column, h) => row(places[h], column)),
        )
  return `<details${open ? ' open' : ''}><summary>${safe(first.name)}, ${bytesText(first.bytes)} a head</summary>
${table}
</details>`
}

/** Writes a cell, shaded more the closer it is to exact. */
function cellOf({ outcome, errors }: BoardCell, best: number): string {
  if (outcome !== 'within') return `<td>${errorText({ outcome })}</td>`
  const { relative } = errors!
  const shade = Math.round(70 * Math.max(0, 1 - relative))
  const figure = relative === best ? `<strong>${relative.toFixed(3)}</strong>` : relative.toFixed(3)
  return `<td style="background:color-mix(in srgb, var(--good) ${shade}%, transparent)">${figure}</td>`
}
