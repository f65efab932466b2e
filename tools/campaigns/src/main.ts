import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Campaign } from './campaign.ts'
import { crew, type Sum } from './runner.ts'
import { randomOf } from './random.ts'

const USAGE = `node tools/campaigns/run.ts sample [--seed 1] [--only snapshots,files] [--unit text|text] [--slice 0/20] [--share 1] [--out result.json] [--cases folder]
node tools/campaigns/run.ts long --hours 2 --out result.json     goes on where the file says that it stopped
node tools/campaigns/run.ts one campaign unit index [--seed 1]   one attempt again, in this process`

/** Result of a run, as its file holds it. */
export interface Result {
  readonly mode: string
  readonly seed: number
  readonly cpu: string
  readonly load: number
  /** CPU seconds in all. */
  seconds: number
  /** Part of the units that was run: every n-th from the i-th on, as `i/n`. */
  readonly slice?: string | undefined
  /** Rounds that are complete, in a long run. */
  rounds: number
  readonly campaigns: Record<string, Omit<Sum, 'findings'> & { units: number; findings: Finding[] }>
}
interface Finding {
  readonly unit: string
  readonly index: number
  readonly finding: string
  readonly detail: string
}

/**
 * Runs the campaigns that the arguments name.
 * @returns the exit status: 1 where something was found, 2 where the arguments are wrong
 */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      unit: { type: 'string' },
      slice: { type: 'string' },
      share: { type: 'string', default: '1' },
      hours: { type: 'string', default: '1' },
      out: { type: 'string' },
      cases: { type: 'string' },
    },
  })
  const [mode = '', ...rest] = positionals
  const { campaignsWith } = await import('./campaigns.ts')
  const { countAllocations } = await import('./allocations.ts')
  const allocations = mode === 'one' ? countAllocations() : { add() {}, reset() {}, total: 0, largest: 0 }
  const all = await campaignsWith(allocations)
  const seed = Number(values.seed)
  if (mode === 'one') return one(all, rest, seed)
  if (mode !== 'sample' && mode !== 'long') {
    console.error(USAGE)
    return 2
  }
  const chosen = all.filter(({ name }) => !values.only || values.only.split(',').includes(name))
  const result = { ...begun(mode, seed, values.out), ...(values.slice && { slice: values.slice }) }
  const until = mode === 'long' ? Date.now() + Number(values.hours) * 3_600_000 : 0
  const workers = crew()
  do {
    const before = process.cpuUsage()
    const round = result.rounds
    for (const campaign of chosen) {
      const many = Math.ceil((mode === 'sample' ? campaign.sample : campaign.round) * Number(values.share))
      const units = sliced(campaign.units(), values.slice).filter(
        (unit) => !values.unit || values.unit.split('|').some((text) => unit.includes(text)),
      )
      const sum: Sum = { tried: 0, outcomes: {}, findings: [], cpu: 0 }
      for (const unit of units) {
        await workers.run(campaign, { unit, seed, from: round * many, to: (round + 1) * many }, sum)
        progress(`${campaign.name}: ${unit}, ${sum.tried} tried, ${sum.findings.length} kept findings`)
        if (mode === 'long' && Date.now() > until) break
      }
      take(result, campaign, sum, units.length, values.cases)
    }
    const { user, system } = process.cpuUsage(before)
    result.seconds += (user + system) / 1e6
    result.rounds++
    if (values.out) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`)
  } while (Date.now() < until)
  await workers.end()
  progress('')
  say(result)
  return Object.values(result.campaigns).some(({ findings }) => findings.length > 0) ? 1 : 0
}

/** Every n-th unit from the i-th on, of `i/n`: a long campaign in parts that any machine has the time for. */
export function sliced(units: readonly string[], slice: string | undefined): readonly string[] {
  if (slice === undefined) return units
  const [from, each] = slice.split('/').map(Number)
  if (!(Number.isInteger(each) && from >= 0 && from < each))
    throw new RangeError(`campaigns: --slice must be i/n with 0 <= i < n, got ${slice}`)
  return units.filter((_, at) => at % each === from)
}

/** The result to go on with: that of the file for a long run, else an empty one. */
function begun(mode: string, seed: number, out: string | undefined): Result {
  if (mode === 'long' && out && existsSync(out)) {
    const before = JSON.parse(readFileSync(out, 'utf8')) as Result
    if (before.seed === seed && before.mode === mode) return before
  }
  return {
    mode,
    seed,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    load: Math.round(loadavg()[0] * 10) / 10,
    seconds: 0,
    rounds: 0,
    campaigns: {},
  }
}

function take(result: Result, { name }: Campaign, sum: Sum, units: number, cases: string | undefined): void {
  const into = (result.campaigns[name] ??= { units, tried: 0, outcomes: {}, findings: [], cpu: 0 })
  into.tried += sum.tried
  into.cpu = Math.round((into.cpu + sum.cpu) * 10) / 10
  for (const [outcome, count] of Object.entries(sum.outcomes))
    into.outcomes[outcome] = (into.outcomes[outcome] ?? 0) + count
  for (const { unit, index, finding = '', detail = '', input } of sum.findings) {
    if (into.findings.filter((one) => one.finding === finding && one.unit === unit).length < 2)
      into.findings.push({ unit, index, finding, detail })
    if (!cases || !input) continue
    mkdirSync(cases, { recursive: true })
    writeFileSync(`${cases}/${name}-${unit.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${index}.bin`, input)
  }
}

async function one(all: readonly Campaign[], [name, unit, index]: readonly string[], seed: number): Promise<number> {
  const campaign = all.find((of) => of.name === name)
  if (!campaign?.units().includes(unit)) throw new RangeError(`campaigns: no unit ${unit} of ${name}`)
  const attempt = await campaign.begin(unit)
  const { input, ...outcome } = await attempt(randomOf(`${seed}/${name}: ${unit}/${index}`), Number(index))
  console.log(outcome)
  if (input) writeFileSync('case.bin', input)
  return outcome.finding ? 1 : 0
}

/** Milliseconds at which progress was last printed: it is printed in place on a terminal, else as a line every few seconds. */
let said = 0
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text.slice(0, 100)}`)
  else if (text !== '' && Date.now() > said + 5000) {
    said = Date.now()
    process.stderr.write(`${text}\n`)
  }
}

/** Prints what was tried and found: a table, then each sort of finding. */
function say(result: Result): void {
  for (const [name, { units, tried, outcomes, findings, cpu }] of Object.entries(result.campaigns)) {
    const counts = Object.entries(outcomes)
      .filter(([outcome]) => !outcome.startsWith('finding: '))
      .map(([outcome, count]) => `${count} ${outcome}`)
    const faults = Object.entries(outcomes).filter(([outcome]) => outcome.startsWith('finding: '))
    console.log(
      `${name}: ${tried} tried in ${units} units, ${cpu} s of CPU: ${counts.join(', ')}; ${faults.reduce((all, [, count]) => all + count, 0)} findings`,
    )
    for (const { unit, index, finding, detail } of findings) console.log(`  ${finding}: ${unit} #${index}: ${detail}`)
  }
}
