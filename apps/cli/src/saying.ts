import { generate, type Generated, type OnnxReader } from '@sublinear/onnx'
import type { Command } from 'commander'
import type { ModelFolder } from './folder/model-folder'
import { positiveNumber, wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { withSizedStream, type SizeFlags } from './sizing'

export interface SayFlags extends SizeFlags {
  readonly model: string
  readonly file?: string
  readonly threads?: number
  readonly tokens: number
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly seed: number
  readonly stop: readonly string[]
  readonly quiet?: boolean
}

/** Options of commands that let a user's model speak. */
export function withSayOptions(command: Command): Command {
  return withSizedStream(
    command
      .requiredOption('--model <folder>', 'config.json, tokenizer.json, and onnx/model.onnx with its data')
      .option('--file <name>', 'the graph within the folder, where there are several: onnx/model_q4.onnx')
      .option('--threads <n>', 'threads of onnxruntime (default: its own choice)', wholeNumber(1, 1024)),
    'auto',
  )
    .option('--tokens <n>', 'tokens to add, at most', wholeNumber(1, 1_000_000), 256)
    .option('--temperature <t>', 'draw tokens; without it the likeliest is taken', positiveNumber(100))
    .option('--top-k <k>', 'draw from the k likeliest', wholeNumber(1))
    .option('--top-p <p>', 'draw from the likeliest that make up this share', positiveNumber(1))
    .option('--seed <n>', 'of what is drawn', wholeNumber(0), 1)
    .option('--stop <text...>', 'end where this would be said', [])
    .option('--quiet', 'print nothing but the text and errors')
}

/** A model's words after these tokens, by its tokenizer, with tokens chosen as the flags have it. */
export function said(
  reader: OnnxReader,
  { tokenizer, end }: Pick<ModelFolder, 'tokenizer' | 'end'>,
  ids: readonly number[],
  { tokens, temperature, topK, topP, seed, stop }: SayFlags,
  signal: AbortSignal,
): AsyncIterable<Generated> {
  return generate(reader, {
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    seed,
    ids,
    most: tokens,
    end,
    decode: tokenizer.decode,
    stop,
    signal,
  })
}

/** Tokens, speed, and what is held beside what the exact cache would hold. */
export function statusText({ tokens, bytes, cacheBytes }: OnnxReader, said: number, seconds: number): string {
  const rate = said > 0 ? `, ${rateText(said / Math.max(1e-9, seconds))} tokens/s` : ''
  return `${tokens} tokens${rate}; held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)} (${shareText(bytes, cacheBytes)})`
}
