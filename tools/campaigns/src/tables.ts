import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Growth } from './growth.ts'
import type { Result } from './main.ts'
import { mutantsText } from './mutants-table.ts'
import type { Soak } from './soak.ts'

/**
 * Writes the tables of docs/reliability.md between their markers, from results/: `node tools/campaigns/src/tables.ts`; with `--check` it fails where
 * the page differs.
 */
const page = fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url))
const read = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../results/${name}.json`, import.meta.url), 'utf8')) as T

/** A campaign from before this tool, which was run by hand or by a script of its own. */
interface Before {
  readonly campaigns: readonly { readonly name: string; readonly tried: string; readonly found: string }[]
}

const thousands = (count: number) => count.toLocaleString('en-US')

/** Table of a run: what was tried and found, a row for each campaign. */
function runText({ seed, seconds, cpu, load, campaigns }: Result): string {
  const rows = Object.entries(campaigns).map(([name, { units, tried, outcomes, cpu, findings }]) => {
    const counts = Object.entries(outcomes)
    const came = counts
      .filter(([outcome]) => !outcome.startsWith('finding: '))
      .map(([outcome, count]) => `${thousands(count)} ${outcome}`)
    const found = counts
      .filter(([outcome]) => outcome.startsWith('finding: '))
      .reduce((total, [, count]) => total + count, 0)
    const sorts = [...new Set(findings.map(({ finding, unit }) => `${finding} (${unit.split(',')[0]})`))]
    return `| ${name} | ${units} | ${thousands(tried)} | ${came.join(', ') || '–'} | ${Math.round(cpu)} | ${found === 0 ? '0' : `${found}: ${sorts.slice(0, 3).join('; ')}`} |`
  })
  return [
    `Seed ${seed}, ${Math.round(seconds)} s of CPU in all, ${cpu}, other work on the machine (load ${load} at the start).`,
    '',
    '| campaign | units | tried | outcomes | CPU seconds | found |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** Sum of the parts of the long campaign that were run, which share a seed. */
function slicesText(): string {
  const files = globSync('*.json', { cwd: fileURLToPath(new URL('../results/slices', import.meta.url)) }).toSorted()
  const [first, ...others] = files.map((file) => read<Result>(`slices/${file.replace('.json', '')}`))
  return runText(others.reduce(added, first))
}

/** A run with the counts of another one. */
function added(to: Result, more: Result): Result {
  const campaigns = { ...to.campaigns }
  for (const [name, own] of Object.entries(more.campaigns)) {
    const before = campaigns[name] ?? { units: 0, tried: 0, outcomes: {}, findings: [], cpu: 0 }
    const outcomes = { ...before.outcomes }
    for (const [outcome, count] of Object.entries(own.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    campaigns[name] = {
      units: before.units + own.units,
      tried: before.tried + own.tried,
      cpu: before.cpu + own.cpu,
      findings: [...before.findings, ...own.findings],
      outcomes,
    }
  }
  return { ...to, seconds: to.seconds + more.seconds, campaigns }
}

/** Table of the growth of errors: a row for each stream and kind of tokens, a column for each number of tokens. */
function growthText({ cpu, seconds, rows }: Growth): string {
  const counts = [...new Set(rows.map(({ n }) => n))]
  const names = [...new Set(rows.map(({ stream, tokens }) => `${stream} | ${tokens}`))]
  const errorOf = (name: string, count: number) =>
    rows.find(({ stream, tokens, n }) => `${stream} | ${tokens}` === name && n === count)?.error.toExponential(1) ?? '–'
  return [
    `${seconds} s of CPU in all, ${cpu}.`,
    '',
    `| stream | tokens | ${counts.map((n) => `error at ${thousands(n)}`).join(' | ')} |`,
    `| --- | --- | ${counts.map(() => '---').join(' | ')} |`,
    ...names.map((name) => `| ${name} | ${counts.map((n) => errorOf(name, n)).join(' | ')} |`),
  ].join('\n')
}

/** Names that the table has for the parts of a soak's memory. */
const PARTS = {
  objects: 'objects of the engine',
  code: 'code that the engine compiled',
  arrays: 'arrays outside its heap',
  kernelUsed: 'kernel memory in use',
  kernel: 'kernel memory reserved',
  engine: 'the engine’s own',
  resident: 'resident, all together',
}

export function sections(): Record<string, string> {
  const [before, long, soak] = [read<Before>('before'), read<Result>('long'), read<Soak>('soak')]
  const { minutes, rounds, tokens, twins, differ, held, methods } = soak
  const error = methods['exact']?.error
  return {
    before: [
      '| campaign | tried | found |',
      '| --- | --- | --- |',
      ...before.campaigns.map(({ name, tried, found }) => `| ${name} | ${tried} | ${found} |`),
    ].join('\n'),
    earlier: runText(read<Result>('earlier')),
    after: runText(long),
    slices: slicesText(),
    mutants: mutantsText(),
    growth: growthText(read<Growth>('growth')),
    soak: [
      '| measured | value |',
      '| --- | --- |',
      `| time; load of the machine at the end | ${minutes} minutes; ${soak.load} |`,
      `| rounds; tokens of all heads | ${thousands(rounds)}; ${thousands(tokens)} |`,
      `| restarted twins compared; with other bytes | ${thousands(twins)}; ${differ} |`,
      `| largest error of exact layers against float64 | ${error === undefined ? 'not reached' : error.toExponential(1)} |`,
      '',
      '| memory after a collection | MiB at a dozen times | MB an hour, second half | largest less least there, MB |',
      '| --- | --- | --- | --- |',
      ...Object.entries(PARTS).map(([part, name]) => {
        const { mib, slope, spread } = held[part as keyof typeof held]
        return `| ${name} | ${mib.map((x) => (x < 100 ? x : Math.round(x))).join(', ')} | ${slope} | ${spread} |`
      }),
    ].join('\n'),
  }
}

/** The page with its sections as the results have them. */
export function written(text: string): string {
  let out = text
  for (const [name, section] of Object.entries(sections()))
    out = out.replace(
      new RegExp(`(<!-- campaigns:${name} -->\\n)[\\s\\S]*?(<!-- /campaigns -->)`),
      (_, begin: string, end: string) => `${begin}\n${section}\n\n${end}`,
    )
  return out
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(page, 'utf8')
  const next = written(text)
  if (process.argv.includes('--check')) process.exitCode = next === text ? 0 : 1
  else writeFileSync(page, next)
}
