/**
 * Writes the tables of the READMEs from results/*.json between `<!-- bench:<suite> [start of group names] -->` and `<!-- /bench -->`.
 * `<!-- bench:summary -->` lists every target. `node src/tables.ts` brings all of them up to date.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cells, number } from './format.ts'
import { readResult, type SuiteResult } from './results.ts'
import { suites } from './suites/index.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Paths of the files that may hold tables. */
export function readmes(): string[] {
  return globSync(['*.md', 'docs/**/*.md', '{packages,apps,tools,evidence}/*/README.md'], { cwd: root }).map((path) =>
    join(root, path),
  )
}

/** The text with every table made anew from the results. A suite without results gets a line that says so. */
export function withTables(text: string, read: (suite: string) => SuiteResult | undefined = readResult): string {
  return text.replace(
    /(<!-- bench:([a-z-]+)(?: ([^>]+?))? -->\n).*?(<!-- \/bench -->)/gs,
    (_, open: string, suite: string, start: string | undefined, close: string) =>
      `${open}\n${suite === 'summary' ? summaryTable(read) : suiteTable(suite, start, read)}\n\n${close}`,
  )
}

export function updateTables(): void {
  for (const path of readmes()) {
    const text = readFileSync(path, 'utf8')
    const updated = withTables(text)
    if (updated !== text) writeFileSync(path, updated)
  }
}

function suiteTable(suite: string, start = '', read: (suite: string) => SuiteResult | undefined): string {
  if (!Object.hasOwn(suites, suite)) throw new Error(`a table asks for the suite ${suite}, which does not exist`)
  const result = read(suite)
  if (!result) return '*Not measured yet.*'
  const groups = result.groups.filter(({ name }) => name.startsWith(start))
  if (groups.length === 0)
    throw new Error(`a table asks for groups of ${suite} starting with "${start}"; there are none`)
  const timed = groups.some(({ cases, rate }) => rate || cases.some(({ gigaflops }) => gigaflops !== undefined))
  const compared = groups.some(({ cases }) => cases.some(({ ratios }) => ratios))
  const keep = [true, true, true, true, timed, compared]
  const line = (all: readonly string[]) => `| ${all.filter((_, i) => keep[i]).join(' | ')} |`
  const lines = groups.flatMap((group) =>
    group.cases.map((one, i) => line([i === 0 ? group.name : '', one.name, ...cells(one, group)])),
  )
  const head = ['job', 'by', 'median', 'quartiles', 'rate', 'how many times faster than']
  const { cpu, load, node, date, commit, kernels, command, peak } = result
  const rounds = [...new Set(groups.map((group) => group.rounds))].join(' or ')
  return [
    line(head),
    line(head.map(() => '---')),
    ...lines,
    '',
    `${rounds} rounds on ${cpu}, register peak ${number(peak.median)} GF (${number(peak.p25)} … ${number(peak.p75)})${load === undefined ? '' : `, load ${load}`}, Node ${node}, ` +
      `${kernels} kernels, commit ${commit}, ${date}: \`${command}\`.`,
  ].join('\n')
}

function summaryTable(read: (suite: string) => SuiteResult | undefined): string {
  const lines = Object.keys(suites).flatMap((suite) =>
    (read(suite)?.targets ?? []).map(
      ({ claim, bound, measured, verdict }) =>
        `| ${claim} | ${bound} | ${number(measured)} | ${verdict} | ${read(suite)?.cpu.replace(/, \d+ cores/, '')} |`,
    ),
  )
  if (lines.length === 0) return '*Not measured yet.*'
  return ['| target | bound | measured | | on |', '| --- | --- | --- | --- | --- |', ...lines].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) updateTables()
