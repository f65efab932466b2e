import { needlePrompt } from '@sublinear/small-lm'
import { writeWhole } from '@sublinear/io/node'
import { Command } from 'commander'
import { evaluate } from './evaluation/evaluate'
import { evaluationText, heatMapText } from './evaluation/evaluation-text'
import { depthList, listOption, withEvaluationOptions, type EvaluationFlags } from './evaluation/options'
import { wholeNumber } from './options'
import { outputWidth } from './report'

interface NeedleFlags extends EvaluationFlags {
  readonly depths: readonly number[]
  readonly distractors: number
  readonly contexts: number
  readonly seed: number
}

const LENGTHS = [1024, 2048, 4096]
const DEPTHS = [0.02, 0.25, 0.5, 0.75, 0.95]

export function needleCommand(interrupt: AbortSignal): Command {
  const command = new Command('needle').description(
    'Tests needles in a haystack: which planted values does a language model recall when its heads remember with bounded streams?',
  )
  return withEvaluationOptions(command, LENGTHS)
    .addOption(listOption('--depths <list>', 'depths of the needles of a text that are asked for', depthList, DEPTHS))
    .option('--distractors <n>', 'needles of a text that are not asked for', wholeNumber(0, 200), 3)
    .option(
      '--contexts <n>',
      'texts of a cell (a model, method, budget and length); each is asked at every depth',
      wholeNumber(1, 100_000),
      20,
    )
    .option('--seed <n>', 'seed of texts, words and values', wholeNumber(0), 1)
    .action((flags: NeedleFlags) => run(flags, interrupt))
}

async function run(flags: NeedleFlags, signal: AbortSignal): Promise<void> {
  const { depths, distractors, contexts, seed } = flags
  const found = await evaluate({
    flags,
    signal,
    protocolOf: (text) => ({ kind: 'needle', ...text, depths, distractors, seed }),
    trialsOf(tokens, haystack, { tokenizer }) {
      needlePrompt({ tokenizer, haystack, tokens, depths, distractors, seed, trial: 0 }) // throws for lengths that are too short
      return contexts
    },
  })
  if (flags.report !== undefined) {
    const { evaluationPage } = await import('./evaluation/evaluation-page')
    await writeWhole(flags.report, evaluationPage(found))
  }
  if (flags.json) return console.log(JSON.stringify(found))
  if (flags.quiet) return
  const width = outputWidth()
  console.log([evaluationText(found, width), heatMapText(found, width)].join('\n\n'))
  if (flags.report !== undefined) console.log(`\ncharts in ${flags.report}`)
}
