import type { Board, BoardCell } from '@sublinear/attention'
import { bestLines, boardTable, errorText, faults, UNIT_WORDS } from './board-text'
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
  const { float32 } = heads[0]!.cacheBytes
  const intro =
    `${prefix} tokens were summarised, the next ${queries} asked causally, on ${heads.length === 1 ? `head ${names[0]}` : `${heads.length} heads`}. ` +
    `Every stream gets the same bytes, everything counted; the float32 cache of the ${prefix} tokens is ${bytesText(float32)} a head, a float16 one half of it.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Attention at equal bytes</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Attention at equal bytes</h1>
<p>${safe(intro)}</p>
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
<figure>${memoryChart(board, shown)}<figcaption>Bytes held while tokens come in: head ${safe(names[0]!)}, budget ${safe(heads[0]!.budgets[shown]!.name)}.</figcaption></figure>
</div>
<h2>All budgets</h2>
${meansTable(board)}
<h2>Head by head</h2>
${heads[0]!.budgets.map((_, b) => headTable(board, b, b === shown)).join('\n')}
<h2>Make it again</h2>
<pre>${safe(reproduce)}</pre>
</main>
</body>
</html>
`
}

/** The smallest budget that most streams fit: what the memory chart and the open table show. */
function typicalBudget({ heads }: Board): number {
  const fitting = heads[0]!.budgets.map(({ cells }) => cells.filter(({ outcome }) => outcome === 'within').length)
  return fitting.lastIndexOf(Math.max(...fitting))
}

function faultList(board: Board): string {
  const lines = faults(board)
  return lines.length === 0 ? '' : `<ul class="faults">${lines.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`
}

function meansTable(board: Board): string {
  const [head, ...rows] = boardTable(board)
  return table(
    head!,
    rows.map(
      ([name, ...cells]) =>
        `<tr><th scope="row">${safe(name!)}</th>${cells.map((cell) => `<td>${safe(cell)}</td>`).join('')}</tr>`,
    ),
  )
}

function headTable({ heads, streams }: Board, budget: number, open: boolean): string {
  const first = heads[0]!.budgets[budget]!
  const rows = heads.map(({ name, budgets, uniform }) => {
    const { cells, sample } = budgets[budget]!
    const best = Math.min(...cells.map(({ outcome, errors }) => (outcome === 'within' ? errors!.relative : Infinity)))
    const references = [sample, uniform].map(({ relative }) => `<td>${relative.toFixed(3)}</td>`)
    return `<tr><th scope="row">${safe(name)}</th>${cells.map((cell) => cellOf(cell, best)).join('')}${references.join('')}</tr>`
  })
  return `<details${open ? ' open' : ''}><summary>${safe(first.name)}, ${bytesText(first.bytes)} a head</summary>
${table(['head', ...streams, 'uniform sample', 'mean of V'], rows)}
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

function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((cell) => `<th scope="col">${safe(cell)}</th>`).join('')
  return `<div class="wide"><table><thead><tr>${cells}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

function safe(words: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return words.replace(/[&<>"']/g, (character) => names[character]!)
}

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1b1b; --soft: #666; --line: #ddd; --good: #3a9d5d; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e6e6e6; --soft: #a0a0a0; --line: #3a3d42; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.best, .faults { padding-left: 1.2rem; } .faults { color: #d1495b; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .9rem; }
.legend svg { display: inline; vertical-align: middle; width: 32px; height: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; overflow: visible; }
figcaption { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: normal; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--page); }
thead th { color: var(--soft); } strong { font-weight: 700; }
summary { cursor: pointer; padding: .3rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .7rem; font-size: .85rem; }
`
