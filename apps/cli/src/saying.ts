import { generate, type Generated, type HeadSpec, type OnnxReader } from '@sublinear/onnx'
import type { Command } from 'commander'
import { recipesIn, readRecipes } from './folder/folder-recipes'
import { folderStreams } from './folder/folder-streams'
import type { ModelFolder } from './folder/model-folder'
import { methodNamed } from './methods'
import { positiveNumber, wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream, type SizeFlags } from './sizing'

export interface SayFlags extends SizeFlags {
  readonly model: string
  readonly recipes?: string | true
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

/** Adds the options of commands that let a user's model generate text. */
export function withSayOptions(command: Command): Command {
  return withSizedStream(
    command
      .requiredOption('--model <folder>', 'config.json, tokenizer.json, and onnx/model.onnx with its data')
      .option('--file <name>', 'the graph to use if the folder has several: onnx/model_q4.onnx')
      .option('--threads <n>', 'threads of onnxruntime (default: its own choice)', wholeNumber(1, 1024)),
    'auto',
  )
    .option(
      '--recipes [file]',
      'read each head by its recipe of plan --model, from the folder or from the file that you name',
    )
    .option('--tokens <n>', 'the most tokens to add', wholeNumber(1, 1_000_000), 256)
    .option('--temperature <t>', 'draw tokens at random; without it the likeliest token is taken', positiveNumber(100))
    .option('--top-k <k>', 'draw from the k likeliest tokens', wholeNumber(1))
    .option('--top-p <p>', 'draw from the likeliest tokens that make up this share', positiveNumber(1))
    .option('--seed <n>', 'seed of the random draws', wholeNumber(0), 1)
    .option('--stop <text...>', 'end before this text would be said', [])
    .option('--quiet', 'print nothing but the text and errors')
}

/** Way in which the flags of a command choose streams, before a model is open. */
export interface StreamChoice {
  readonly name: string
  /** Makes the streams for a model, and for so many tokens to come. */
  of(folder: Pick<ModelFolder, 'model'>, tokens: number): HeadSpec
}

/** Reads the choice from flags: one method for all heads, or the recipes of `plan --model`. @throws RangeError when flags contradict each other */
export async function streamChoice(flags: SizeFlags & Pick<SayFlags, 'model' | 'recipes'>): Promise<StreamChoice> {
  const { recipes } = flags
  if (recipes !== undefined) {
    if (flags.hold !== undefined || flags.budget !== undefined || flags.degree !== undefined)
      throw new RangeError('--recipes say how large each stream is: give no --hold, --budget or --degree')
    const path = recipes === true ? recipesIn(flags.model) : recipes
    return { name: 'recipes', of: ({ model }) => readRecipes(path, model) }
  }
  const method = await methodNamed(flags.stream)
  const sizeOf = sizing(method, flags)
  return { name: method.name, of: ({ model }, tokens) => folderStreams(model, method, sizeOf, tokens) }
}

/** Generates a model's text after these tokens, by its tokenizer, with tokens chosen as the flags say. */
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

/** Writes tokens, speed, and the bytes held beside those that the exact cache would hold. */
export function statusText({ tokens, bytes, cacheBytes }: OnnxReader, said: number, seconds: number): string {
  const rate = said > 0 ? `, ${rateText(said / Math.max(1e-9, seconds))} tokens/s` : ''
  return `${tokens} tokens${rate}; held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)} (${shareText(bytes, cacheBytes)})`
}
