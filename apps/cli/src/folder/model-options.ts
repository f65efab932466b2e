import type { Command } from 'commander'
import { TEXTS } from '../evaluation/texts'
import { MODELS } from '../models'
import { wholeNumber } from '../options'

/** Option --model, and the options beside it. */
export interface ModelFlags {
  readonly model?: string
  readonly file?: string
  readonly threads?: number
  readonly text: string
}

/** Adds the options of a command that takes its heads from a model in place of files. */
export function withModel(command: Command, text: string): Command {
  return command
    .option(
      '--model <name or folder>',
      `${MODELS.join(', ')}, or the folder of your own ONNX model: use its heads instead of files`,
    )
    .option('--file <name>', 'the graph to use if the folder has several')
    .option('--threads <n>', 'threads of onnxruntime (default: its own choice)', wholeNumber(1, 1024))
    .option('--text <name>', `text that the model reads: ${TEXTS.join(', ')}, or a file of your own`, text)
}

/** The options with which a folder is opened. */
export function folderFlags({ file, threads }: ModelFlags): { readonly file?: string; readonly threads?: number } {
  return { ...(file !== undefined && { file }), ...(threads !== undefined && { threads }) }
}
