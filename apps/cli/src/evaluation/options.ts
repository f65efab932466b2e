import { InvalidArgumentError, Option, type Command } from 'commander'
import { isFolder } from '../folder/model-folder'
import { withStreams, type StreamsFlags } from '../methods'
import { MODELS } from '../models'
import { list, wholeNumber } from '../options'
import { TEXTS } from './texts'
import type { Cell } from './task'

/** Options that both evaluations take. */
export interface EvaluationFlags extends StreamsFlags {
  readonly models: readonly Cell['model'][]
  /** Models that replace those of `models`. */
  readonly model?: readonly Cell['model'][]
  readonly budgets: readonly string[]
  readonly lengths: readonly number[]
  readonly text: string
  readonly workers?: number
  readonly resume?: string
  readonly advice?: string
  readonly report?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const BUDGETS = ['1/2', '1/4', '1/8', '1/16']

export function withEvaluationOptions(command: Command, lengths: readonly number[]): Command {
  return withStreams(command)
    .addOption(
      listOption(
        '--models <names>',
        `models to run, or folders of your own ONNX models; ${MODELS.join(' and ')} come with the command`,
        modelNames,
        MODELS,
      ),
    )
    .addOption(new Option('--model <name>', 'one of them').argParser(modelNames).hideHelp())
    .addOption(listOption('--budgets <list>', 'shares of the float32 cache of the whole text', shares, BUDGETS))
    .addOption(listOption('--lengths <list>', 'tokens of a text: 4096 or 4k', tokenCounts, lengths))
    .option('--text <name>', `held-out text: ${TEXTS.join(', ')}, or a file of your own`, 'persuasion')
    .option('--workers <n>', 'threads (default: one a core)', wholeNumber(1, 1024))
    .option('--resume <file>', 'keep results in this file, and go on from it')
    .option(
      '--advice <file>',
      'add the row advised: each head with the method that plan chose for it, from this file; missing ones are planned and added to the file',
    )
    .option('--report <file>', 'also write a page of charts: one HTML file that needs nothing else')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
}

/** Makes an option that takes a list; help shows its default in the form in which a user would write it. */
export function listOption<T extends string | number>(
  flags: string,
  words: string,
  parse: (text: string) => readonly T[],
  usual: readonly T[],
): Option {
  return new Option(flags, words).argParser(parse).default([...usual], usual.join(','))
}

/** Lists the cells: every method in every budget, exact once. */
export function cellsOf(
  { models, model: instead = models, budgets, lengths }: EvaluationFlags,
  methods: readonly Pick<Cell, 'method' | 'version'>[],
): Cell[] {
  const cells: Cell[] = []
  for (const model of instead)
    for (const tokens of lengths)
      for (const { method, version } of methods)
        for (const budget of method === 'exact' ? ['1'] : budgets)
          cells.push({ model, method, ...(version !== undefined && { version }), budget, tokens })
  return cells
}

/** Reads a list of models, each once. */
function modelNames(text: string): string[] {
  const names = list(text)
  const unknown = names.find((name) => !(MODELS as readonly string[]).includes(name) && !isFolder(name))
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is not one of ${MODELS.join(', ')}, and not a folder.`)
  return [...new Set(names)]
}

function shares(text: string): string[] {
  const parts = list(text)
  const wrong = parts.find((part) => !/^[1-9]\d{0,5}(\/[1-9]\d{0,5})?$/.test(part))
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} must be a share such as 1/8.`)
  return [...new Set(parts)]
}

function tokenCounts(text: string): number[] {
  const counts = list(text).map((part) => {
    const [, digits, thousands] = /^([1-9]\d{0,7})(k?)$/i.exec(part) ?? []
    if (digits === undefined) throw new InvalidArgumentError(`${part} must be a number of tokens such as 4096 or 4k.`)
    return Number(digits) * (thousands ? 1024 : 1)
  })
  return [...new Set(counts)]
}

/** Reads a list of numbers from 0 to 1. */
export function depthList(text: string): number[] {
  const wrong = list(text).find((part) => !(/^[\d.]+$/.test(part) && Number(part) >= 0 && Number(part) <= 1))
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} must be a number from 0 to 1.`)
  return [...new Set(list(text).map(Number))]
}
