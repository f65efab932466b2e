import { htmlPage, htmlTextTable, safe } from '../html-page'
import { swatch } from '../report-charts'
import { heatChart, scoreChart } from './evaluation-charts'
import { evaluationTable, groupsOf, introText, notesOf } from './evaluation-text'
import type { Evaluation } from './results'

/** An evaluation as one HTML page: charts, heat maps, tables, and how to make it again. */
export function evaluationPage(found: Evaluation): string {
  const { protocol, cells, reproduce } = found
  const methods = [...new Set(cells.map(({ method }) => method))].filter((method) => method !== 'exact')
  const groups = groupsOf(found)
  const title = protocol.kind === 'needle' ? 'Needles recalled at equal bytes' : 'Bits per byte at equal bytes'
  return htmlPage(
    title,
    `<p>${safe(introText(found))}</p>
<ul class="legend">
${methods.map((method, i) => `<li>${swatch(i)} ${safe(method)}</li>`).join('\n')}
<li><svg width="32" height="12" viewBox="0 0 32 12"><path d="M0 6H32" stroke="#8a8a8a" stroke-width="2" stroke-dasharray="4 3"/></svg> exact</li>
</ul>
<div class="charts">
${groups.map((group) => `<figure>${scoreChart(group.cells, methods)}<figcaption>${safe(group.title)}</figcaption></figure>`).join('\n')}
</div>
${groups.map((group) => `<h2>${safe(group.title)}</h2>\n${htmlTextTable(evaluationTable(group.cells))}`).join('\n')}
${notesOf(found)
  .map((note) => `<p>${safe(note)}</p>`)
  .join('\n')}
${heatMaps(found)}
<h2>Make it again</h2>
<pre>${safe(reproduce)}</pre>`,
  )
}

function heatMaps({ protocol, cells }: Evaluation): string {
  if (protocol.kind !== 'needle') return ''
  const models = [...new Set(cells.map(({ model }) => model))]
  const budgets = [...new Set(cells.filter(({ method }) => method !== 'exact').map(({ budget }) => budget))]
  const maps = models.flatMap((model) =>
    budgets.map((budget) => {
      const own = cells.filter((cell) => cell.model === model && (cell.budget === budget || cell.method === 'exact'))
      const caption = `${model}, ${budget} of the float32 cache: recall by depth, in blocks by length`
      return `<figure class="wide">${heatChart(own, protocol.depths)}<figcaption>${safe(caption)}</figcaption></figure>`
    }),
  )
  return `<h2>Where needles are lost</h2>\n${maps.join('\n')}`
}
