import { readFileSync, writeFileSync } from 'node:fs'
import { plot } from '../kit/plot.ts'
import { FIGURE, LENGTHS, MODELS, SHARES } from './cells.ts'
import { droppingTable } from './dropping-table.ts'
import { heatMaps } from './heat-maps.ts'
import { heldOutRivals, heldOutTable } from './held-out-table.ts'
import { learningTable } from './learning-table.ts'
import { DEPTHS } from './prompt-sets.ts'
import {
  bitsPerByteOf,
  cellOf,
  committedEvidence,
  methodsIn,
  recallAt,
  recallOf,
  resultsUrl,
  type Evidence,
  type EvidenceName,
} from './results.ts'
import type { CellResult } from './run-cell.ts'
import { metricTable } from './in-metric.ts'
import {
  beyondTable,
  bitsTable,
  budgetTable,
  claimTable,
  recallTable,
  rivalTable,
  runTable,
  taskTable,
} from './tables.ts'

const docs = new URL('../../docs/evidence.md', import.meta.url)

/** Records the cells and what they took, then draws what follows from them. */
export function writeEvidence(
  name: EvidenceName,
  { cells, cpuMinutes, minutes }: Pick<Evidence, 'cells' | 'cpuMinutes'> & { readonly minutes: number | undefined },
): void {
  const took = [cpuMinutes, minutes].map((time) => time && Number(time.toFixed(1)))
  const head = JSON.stringify({ node: process.version, cpuMinutes: took[0], minutes: took[1] })
  const lines = cells.map((cell) => JSON.stringify(cell))
  writeFileSync(new URL(`${name}.json`, resultsUrl), `${head.slice(0, -1)},"cells":[\n${lines.join(',\n')}\n]}\n`)
  showEvidence()
}

/** Pictures and tables from the committed cells. */
export function showEvidence(): void {
  const evidence = committedEvidence()
  for (const [name, picture] of Object.entries(pictures(evidence)))
    writeFileSync(new URL(`${name}.svg`, resultsUrl), picture)
  writeFileSync(docs, withTables(readFileSync(docs, 'utf8'), evidence, committedEvidence('held-out')))
}

export function pictures(evidence: Evidence): Record<string, string> {
  return {
    picture: recallPicture(evidence),
    needles: needlePicture(evidence),
    bits: bitsPicture(evidence),
  }
}

/** The text with every table between `<!-- evidence:name -->` and `<!-- /evidence -->` made from the results. */
export function withTables(text: string, evidence: Evidence, heldOut: Evidence): string {
  const tables: Record<string, () => string> = {
    budgets: budgetTable,
    claims: () => claimTable(evidence),
    rivals: () => rivalTable(evidence),
    tasks: () => taskTable(evidence),
    beyond: () => beyondTable(evidence),
    'held-out': () => heldOutTable(heldOut),
    'held-out-rivals': () => heldOutRivals(heldOut),
    dropping: () => droppingTable(evidence, heldOut),
    learning: () => learningTable(evidence),
    metric: () => metricTable(evidence, heldOut),
    run: () => runTable(evidence, heldOut),
    ...Object.fromEntries(
      MODELS.flatMap((model) => [
        [`recall-${model}`, () => recallTable(evidence, model)],
        [`bits-${model}`, () => bitsTable(evidence, model)],
      ]),
    ),
  }
  return text.replace(
    /(<!-- evidence:([a-z-]+) -->\n).*?(<!-- \/evidence -->)/gs,
    (_, open: string, name: string, close: string) => {
      const made = tables[name]
      if (!made) throw new RangeError(`evidence: there is no table ${name}`)
      return `${open}\n${made()}\n\n${close}`
    },
  )
}

/** Recall against bytes at the longest length. */
function recallPicture(evidence: Evidence): string {
  return linesOver(evidence, 'Needles answered at 4096 tokens, by bytes', 'share of the questions', recallOf)
}

function bitsPicture(evidence: Evidence): string {
  const exact = Object.fromEntries(
    evidence.cells.filter(({ method }) => method === 'exact').map((cell) => [`${cell.model}-${cell.tokens}`, cell]),
  )
  return linesOver(
    evidence,
    'Bits per byte at 4096 tokens, more than exact attention',
    'more bits per byte',
    (cell) => {
      const [own, least] = [cell, exact[`${cell.model}-${cell.tokens}`]].map((one) => bitsPerByteOf(one))
      return own === undefined || least === undefined ? undefined : own - least
    },
  )
}

function linesOver(
  evidence: Evidence,
  title: string,
  label: string,
  of: (cell: CellResult) => number | undefined,
): string {
  const tokens = LENGTHS.at(-1)!
  return plot(
    title,
    MODELS.map((model, at) => ({
      title: `${model} model`,
      x: { label: 'bytes held, of the float32 cache: 1 over', ticks: SHARES },
      y: { label: at === 0 ? label : '' },
      lines: methodsIn(evidence).map((method) => ({
        name: method,
        dashed: method === 'exact',
        points: SHARES.flatMap((share) => {
          const cell = cellOf(evidence, { model, tokens, share }, method)
          const value = cell && of(cell)
          return value === undefined ? [] : [[share, value] as const]
        }),
      })),
    })),
  )
}

/** The second paper's needle figure: depth down, length across, a map a method. */
function needlePicture(evidence: Evidence): string {
  const { share } = FIGURE
  const lengths = [...FIGURE.lengths, ...LENGTHS].toSorted((a, b) => a - b)
  return heatMaps({
    title: `Needles answered in 1/${share} of the cache, by length and depth`,
    columns: lengths.map((tokens) => `${tokens / 1024}k`),
    rows: DEPTHS.map((depth, i) => (i % 3 === 0 ? depth.toFixed(2) : '')),
    across: 'tokens',
    down: 'depth of the needle',
    groups: MODELS.map((model) => ({
      name: `${model} model`,
      maps: methodsIn(evidence).map((method) => ({
        title: method,
        rows: DEPTHS.map((_, depth) =>
          lengths.map((tokens) => {
            const cell = cellOf(evidence, { model, tokens, share }, method)
            return cell && recallAt(cell, depth)
          }),
        ),
      })),
    })),
  })
}
