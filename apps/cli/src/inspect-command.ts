import { Command } from 'commander'
import type { Findings, Spread } from './findings'
import { inspect } from './inspect'
import type { HeadFiles } from './head-files'
import { headFilesOf, withHeadFiles } from './head-options'
import { withInputs } from './open-input'
import { scaleNumber } from './options'
import { progressBar } from './progress'
import { outputWidth, paragraph, tableText } from './report'

interface InspectOptions {
  readonly scale?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export function inspectCommand(interrupt: AbortSignal): Command {
  const command = new Command('inspect').description(
    'Shows norms, score range, effective keys and output tails of one head: does this data meet the assumptions of the papers?',
  )
  return withHeadFiles(command)
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action(() => run(headFilesOf(command), command.opts<InspectOptions>(), interrupt))
}

async function run(files: HeadFiles, options: InspectOptions, interrupt: AbortSignal): Promise<void> {
  const findings = await withInputs([files.queries, files.keys, files.values] as const, (queries, keys, values) => {
    const bar = progressBar('inspecting', 2 * keys.rows, options.quiet || options.json)
    return inspect({
      queries,
      keys,
      values,
      signal: interrupt,
      progress: (done) => bar.update(done),
      ...(options.scale && { scale: options.scale }),
    }).finally(() => bar.stop())
  })
  if (options.json) console.log(JSON.stringify(findings))
  else if (!options.quiet) print(findings)
}

const number = (x: number) => String(Number(x.toPrecision(3)))

function print(findings: Findings): void {
  const range = ([low, high]: readonly [number, number]) => `${number(low)} to ${number(high)}`
  const spread = ({ rms, largest }: Spread) => `${number(rms)} rms, ${number(largest)} largest`
  const { columnTails: tails } = findings
  const rows = [
    ['tokens', `${findings.tokens}, keys of ${findings.d}, values of ${findings.dv}, scale ${number(findings.scale)}`],
    ['|query|', spread(findings.queryNorm)],
    ['|key|', spread(findings.keyNorm)],
    ['|key - mean key|', spread(findings.centredKeyNorm)],
    ['|value|', spread(findings.valueNorm)],
    ['scores', range(findings.scores)],
    ['scores, keys centred', range(findings.centredScores)],
    ['effective keys a query', number(findings.effectiveKeys)],
    ...(findings.unseenRadius > 0
      ? [['rows not looked at', `scores, keys centred, within ±${number(findings.unseenRadius)}`]]
      : []),
    ['regime', findings.regime],
    [
      'output column tails',
      `${number(tails['1/64'])}, ${number(tails['1/16'])}, ${number(tails['1/4'])} of the norm outside the largest 1/64, 1/16, 1/4`,
    ],
  ]
  console.log(
    tableText(
      [{ head: 'quantity' }, { head: `over ${findings.rowsLookedAt} of ${findings.tokens} query rows` }],
      rows,
      outputWidth(),
    ),
  )
  console.log(`\n${findings.verdicts.map((words) => paragraph(words, outputWidth())).join('\n')}`)
}
