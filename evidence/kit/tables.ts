/**
 * Tables in the READMEs, made from results/*.json between `<!-- experiment:fixed-memory <name> -->`, or `<!-- experiment:policies -->`,
 * `<!-- experiment:quantised-heads -->`, `<!-- experiment:codebook -->`, `<!-- experiment:advice -->`, and `<!-- /experiment -->`.
 * `node src/tables.ts` brings all of them up to date.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adviceTable } from '../advice/table.ts'
import { codebookTables } from '../codebook/table.ts'
import { textResultsOf } from './experiment.ts'
import type { FixedMemory, FixedMemoryRow } from '../fixed-memory/ask.ts'
import { policies, textsTable } from '../policies/ask.ts'
import { quantisedTable } from '../quantised-heads/table.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of the files that may hold tables. */
export function readmes(): string[] {
  return globSync(['*.md', 'docs/**/*.md', '{packages,apps,tools,evidence}/*/README.md'], { cwd: root }).map((path) =>
    join(root, path),
  )
}

/** The text with every table replaced by what the results say. */
export function withTables(text: string, read: (name: string) => FixedMemory = readResult): string {
  const withPolicies = text.replace(
    /(<!-- experiment:policies -->\n).*?(<!-- \/experiment -->)/gs,
    (_, open: string, close: string) => `${open}\n${textsTable(textResultsOf(policies))}\n\n${close}`,
  )
  const withQuantised = withPolicies.replace(
    /(<!-- experiment:quantised-heads -->\n).*?(<!-- \/experiment -->)/gs,
    (_, open: string, close: string) => `${open}\n${quantisedTable()}\n\n${close}`,
  )
  const withCodebook = withQuantised.replace(
    /(<!-- experiment:codebook -->\n).*?(<!-- \/experiment -->)/gs,
    (_, open: string, close: string) => `${open}\n${codebookTables()}\n\n${close}`,
  )
  const withAdvice = withCodebook.replace(
    /(<!-- experiment:advice -->\n).*?(<!-- \/experiment -->)/gs,
    (_, open: string, close: string) => `${open}\n${adviceTable()}\n\n${close}`,
  )
  return withAdvice.replace(
    /(<!-- experiment:fixed-memory ([a-z-]+) -->\n).*?(<!-- \/experiment -->)/gs,
    (_, open: string, name: string, close: string) => `${open}\n${table(read(name))}\n\n${close}`,
  )
}

/** The heads that the choices were tuned on: the committed sample, layers 0 and 2, heads 0 and 1. */
const TUNED = new Set(['0.0', '0.1', '2.0', '2.1'])

function table({ command, node, heads, mean, rows }: FixedMemory): string {
  const lengths = [...new Set(rows.map(({ n }) => n))]
  const methods = [...new Set(rows.map(({ method }) => method))]
  const longest = lengths.at(-1)!
  const unseen = heads.flatMap((head, i) => (TUNED.has(head) ? [] : [i]))
  const hasUnseen = heads.length > TUNED.size
  const at = (method: string, n: number) => rows.find((row) => row.method === method && row.n === n)!
  const head = [
    'held',
    'bytes',
    'share',
    ...lengths.map((n) => `n = ${n}`),
    ...(hasUnseen ? ['unseen heads'] : []),
    'uniform sample',
    'sinks + window',
  ]
  const lineOf = (method: string) => {
    const last = at(method, longest)
    return line([
      method,
      kilobytes(last),
      `1/${Math.round(last.cacheBytes / last.bytes)}`,
      ...lengths.map((n) => figure(at(method, n).errors)),
      ...(hasUnseen ? [figure(unseen.map((i) => last.errors[i]))] : []),
      figure(last.uniform),
      figure(last.recent),
    ])
  }
  const means = lengths.map((n) => figure(mean[n]))
  return [
    line(head),
    line(head.map(() => '---')),
    line([
      'mean of the values',
      '–',
      '–',
      ...means,
      ...(hasUnseen ? [figure(unseen.map((i) => mean[longest][i]))] : []),
      '–',
      '–',
    ]),
    ...methods.map(lineOf),
    '',
    `Mean over ${heads.length} heads of ‖ô − o‖_F/‖o‖_F on the 512 queries after n tokens; answering zero is 1. Share of the float32 cache${
      hasUnseen ? ', the heads that nothing was tuned on,' : ''
    } and references of the same bytes at n = ${longest}. Node ${node}: \`${command}\`.`,
  ].join('\n')
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const kilobytes = ({ bytes }: FixedMemoryRow) => `${(bytes / 1000).toFixed(1)} kB`
const figure = (errors: readonly number[]) => (errors.reduce((a, b) => a + b, 0) / errors.length).toFixed(3)

function readResult(name: string): FixedMemory {
  return JSON.parse(readFileSync(new URL(`../fixed-memory/${name}.json`, import.meta.url), 'utf8'))
}

export function updateTables(): void {
  for (const path of readmes()) {
    const text = readFileSync(path, 'utf8')
    const updated = withTables(text)
    if (updated !== text) writeFileSync(path, updated)
  }
}
