import { windowStarts } from '@sublinear/small-lm'
import { writeWhole } from '@sublinear/io/node'
import { Command } from 'commander'
import { evaluate } from './evaluation/evaluate'
import { evaluationText } from './evaluation/evaluation-text'
import { withEvaluationOptions, type EvaluationFlags } from './evaluation/options'
import { wholeNumber } from './options'
import { outputWidth } from './report'

interface PerplexityFlags extends EvaluationFlags {
  readonly windows: number
}

const LENGTHS = [2048, 4096]

export function perplexityCommand(interrupt: AbortSignal): Command {
  const command = new Command('perplexity').description(
    'Measures the bits per byte that a language model needs for held-out text when its heads remember with bounded streams',
  )
  return withEvaluationOptions(command, LENGTHS)
    .option(
      '--windows <n>',
      'windows of the text, at most; the second half of each is scored',
      wholeNumber(1, 100_000),
      8,
    )
    .action((flags: PerplexityFlags) => run(flags, interrupt))
}

async function run(flags: PerplexityFlags, signal: AbortSignal): Promise<void> {
  const { windows } = flags
  const found = await evaluate({
    flags,
    signal,
    protocolOf: (text) => ({ kind: 'perplexity', ...text, windows }),
    trialsOf: (tokens, ids) => windowStarts(ids.length, tokens, windows).length,
  })
  if (flags.report !== undefined) {
    const { evaluationPage } = await import('./evaluation/evaluation-page')
    await writeWhole(flags.report, evaluationPage(found))
  }
  if (flags.json) return console.log(JSON.stringify(found))
  if (flags.quiet) return
  console.log(evaluationText(found, outputWidth()))
  if (flags.report !== undefined) console.log(`\ncharts in ${flags.report}`)
}
