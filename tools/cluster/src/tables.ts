import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Writes the tables of docs/scaling-out.md between their markers, from results/campaign.json and results/measured.json: `node src/tables.ts`; with
 * `--check` it fails where the page
 * differs.
 */
const page = fileURLToPath(new URL('../../../docs/scaling-out.md', import.meta.url))
const read = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../results/${name}.json`, import.meta.url), 'utf8')) as T

interface Campaign {
  readonly machine: string
  readonly rounds: number
  readonly faults: number
  readonly artifacts: number
  readonly wrongOrLost: number
  readonly dead: number
  readonly mostBegun: number
  readonly allowed: number
  readonly landed: Record<string, Record<string, number>>
}
/** Where and when a part was measured. */
interface Place {
  readonly machine: string
  /** Load of the machine before. */
  readonly load: number
}
interface Long extends Place {
  readonly rows: number
  readonly seconds: number
  readonly rowsPerSecond: number
  readonly quarters: readonly number[]
}
interface Account {
  readonly main: number
  readonly threads: number
  readonly broker: number
  readonly coordinator: number
}
interface Measured {
  readonly rounding?: Record<string, { readonly tree: number; readonly askAll: number; readonly oneToExact: number }>
  readonly overhead?: Place & { readonly redis: number; readonly postgres: number }
  readonly speedUp?: Place & { readonly ratios: number[]; readonly median: number; readonly secondsOfOne: number }
  readonly accounts?: Place & { readonly one: Account; readonly two: Account; readonly allowed: number }
  readonly countSketch?: Long
  readonly featureStream?: Long
}

const figure = (x: number) => (x === 0 ? '0' : x.toExponential(1))

/** A row of the table of costs. */
const row = <P extends Place>(what: string, part: P | undefined, found: (part: P) => string) =>
  part
    ? `| ${what} | ${found(part)} | ${part.load.toFixed(1)}, ${part.machine.replace(/, Node .*/, '')} |`
    : `| ${what} | not measured yet | |`

const long = ({ rows, rowsPerSecond, quarters }: Long) =>
  `${rows.toExponential(0)} rows at ${Math.round(rowsPerSecond / 1000)} thousand a second; at most ${quarters.join(', ')} MiB in the quarters of the run`

/** CPU seconds of the parts, in the order of the table's columns. */
const parts = ({ main, threads, broker, coordinator }: Account) =>
  [threads, main, broker, coordinator].map((part) => part.toFixed(1)).join(', ')

export function sections(): Record<string, string> {
  const campaign = read<Campaign>('campaign')
  const measured = read<Measured>('measured')
  const faults = Object.entries(campaign.landed).map(
    ([fault, of]) => `| ${fault} | ${of['redis'] ?? 0} | ${of['postgres'] ?? 0} |`,
  )
  const rounding = Object.entries(measured.rounding ?? {})
    .filter(([name]) => name !== 'load' && name !== 'machine')
    .map(
      ([name, { tree, askAll, oneToExact }]) =>
        `| ${name} | ${figure(tree)} | ${figure(askAll)} | ${figure(oneToExact)} |`,
    )
  const { overhead, speedUp, accounts } = measured
  return {
    faults: `| fault that landed | Redis | PostgreSQL |
| --- | --- | --- |
${faults.join('\n')}

${campaign.faults} faults in ${campaign.rounds} runs of ${campaign.artifacts / campaign.rounds} artifacts: ${campaign.wrongOrLost} artifacts wrong or lost, ${campaign.dead} nodes given up, no shard begun more than ${campaign.mostBegun} times where retries
allow ${campaign.allowed}. ${campaign.machine}.`,
    rounding: `| method | the merged root from one piece | \`askAll\` from one piece | one piece from exact attention |
| --- | --- | --- | --- |
${rounding.join('\n')}`,
    cost: [
      '| what | measured | load before, on |',
      '| --- | --- | --- |',
      row('CPU a job, Redis', overhead, ({ redis }) => `${redis.toFixed(1)} ms`),
      row('CPU a job, PostgreSQL', overhead, ({ postgres }) => `${postgres.toFixed(1)} ms`),
      row(
        'two workers over one',
        speedUp,
        ({ median, ratios, secondsOfOne }) =>
          `${median.toFixed(2)} × (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}); one took ${Math.round(secondsOfOne)} s`,
      ),
      row(
        "CPU seconds of such a run: computing threads, workers' main threads, broker, coordinator",
        accounts,
        ({ one, two, allowed }) =>
          `one worker ${parts(one)}; two ${parts(two)}: two cores allow ${allowed.toFixed(2)} ×`,
      ),
      row('countSketch, one worker', measured.countSketch, long),
      row('featureStream, one worker', measured.featureStream, long),
    ].join('\n'),
  }
}

export function written(text: string): string {
  return Object.entries(sections()).reduce(
    (all, [name, section]) =>
      all.replace(
        new RegExp(`(<!-- cluster:${name} -->\n)[^]*?(<!-- /cluster:${name} -->)`),
        (_, begin: string, end: string) => `${begin}${section}\n${end}`,
      ),
    text,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = readFileSync(page, 'utf8')
  const after = written(before)
  if (process.argv.includes('--check') && after !== before) {
    console.error('docs/scaling-out.md differs from tools/cluster/results: node tools/cluster/src/tables.ts')
    process.exit(1)
  }
  writeFileSync(page, after)
}
