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
interface Long {
  readonly rows: number
  readonly seconds: number
  readonly rowsPerSecond: number
  readonly quarters: readonly number[]
  readonly load: number
}
interface Account {
  readonly main: number
  readonly threads: number
  readonly broker: number
  readonly coordinator: number
}
interface Measured {
  readonly machine: string
  readonly rounding?: Record<string, { readonly tree: number; readonly askAll: number; readonly oneToExact: number }>
  readonly overhead?: { readonly redis: number; readonly postgres: number; readonly load: number }
  readonly speedUp?: {
    readonly ratios: number[]
    readonly median: number
    readonly secondsOfOne: number
    readonly load: number
  }
  readonly accounts?: { readonly one: Account; readonly two: Account; readonly allowed: number; readonly load: number }
  readonly countSketch?: Long
  readonly featureStream?: Long
}

const figure = (x: number) => (x === 0 ? '0' : x.toExponential(1))

const long = (name: string, measured: Long | undefined) =>
  measured ? longRow(name, measured) : `| ${name}, long streams | not measured yet | |`

const longRow = (name: string, { rows, rowsPerSecond, quarters, load }: Long) =>
  `| ${name}: ${rows.toExponential(0)} rows, one worker | ${Math.round(rowsPerSecond / 1000)} thousand rows/s; at most ${quarters.join(', ')} MiB in the quarters of the run | ${load.toFixed(1)} |`

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
    .filter(([name]) => name !== 'load')
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
    cost: `| what | measured | load before |
| --- | --- | --- |
${overhead ? `| CPU a job, Redis | ${overhead.redis.toFixed(1)} ms | ${overhead.load.toFixed(1)} |\n| CPU a job, PostgreSQL | ${overhead.postgres.toFixed(1)} ms | ${overhead.load.toFixed(1)} |` : '| CPU a job | not measured yet | |'}
${speedUp ? `| two workers over one, ${Math.round(speedUp.secondsOfOne)} s | ${speedUp.median.toFixed(2)} × (${speedUp.ratios.map((ratio) => ratio.toFixed(2)).join(', ')}) | ${speedUp.load.toFixed(1)} |` : '| two workers over one | not measured yet | |'}
${accounts ? `| CPU seconds of that run: computing threads, workers' main threads, broker, coordinator | one worker ${parts(accounts.one)}; two ${parts(accounts.two)}: two cores allow ${accounts.allowed.toFixed(2)} × | ${accounts.load.toFixed(1)} |` : '| CPU seconds by part | not measured yet | |'}
${long('countSketch', measured.countSketch)}
${long('featureStream', measured.featureStream)}

${measured.machine}.`,
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
