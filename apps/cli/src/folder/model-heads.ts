import { exactStream } from '@sublinear/attention'
import type { Matrix, Shape } from '@sublinear/core'
import { capture as captureOnnx } from '@sublinear/onnx'
import { capture as captureSmall } from '@sublinear/small-lm'
import { openTextNamed } from '../evaluation/texts'
import { openModel } from '../models'
import { progressBar } from '../progress'
import { isFolder, openFolder, type FolderOptions } from './model-folder'

/** A key head of a model with its inputs over a text: keys are turned, queries are not scaled. */
export interface ModelHead {
  readonly layer: number
  readonly head: number
  /** Number of query heads that share it. */
  readonly groups: number
  /** The shape of its stream, with the sinks of its query heads. */
  readonly shape: Shape
  readonly queries: Matrix // groups·rows × d
  readonly keys: Matrix // rows × d
  readonly values: Matrix // rows × dv
}

/** Queries, keys and values that a model's heads got. */
export interface ModelHeads {
  readonly name: string
  /** Layers of the model: number of key heads, and whether the layer has a window of its own. */
  readonly layers: readonly { readonly kvHeads: number; readonly shape: Shape; readonly reads?: number | undefined }[]
  readonly tokens: number
  readonly heads: readonly ModelHead[]
}

export interface ModelHeadsOptions extends FolderOptions {
  /** Name of a model that comes with the command, or a folder. */
  readonly model: string
  /** A held-out text by name, or a file. */
  readonly text: string
  readonly tokens: number
  /** Heads as `layer.head`. Default: all. */
  readonly only?: readonly string[]
  readonly signal: AbortSignal
  readonly quiet: boolean
}

/**
 * Reads the beginning of a text with a model's own attention, and keeps the queries, keys and values of its heads.
 *
 * @throws RangeError when the text has fewer than 2 tokens, or `only` names a head that is not there
 */
export async function modelHeads(options: ModelHeadsOptions): Promise<ModelHeads> {
  const { model: name, text, tokens } = options
  const bytes = openTextNamed(text).subarray(0, tokens * MOST_BYTES)
  const bar = progressBar(`reading with ${name}`, tokens, options.quiet)
  try {
    const found = isFolder(name) ? await folderHeads(options, bytes, bar.update) : smallHeads(options, bytes)
    if (found.tokens < 2) throw new RangeError(`${text} has ${found.tokens} tokens: at least 2 are needed`)
    return found
  } finally {
    bar.stop()
  }
}

/** Most bytes that a token stands for, with rare exceptions. */
const MOST_BYTES = 16

async function folderHeads(
  { model: path, tokens, only, signal, file, threads }: ModelHeadsOptions,
  bytes: Uint8Array,
  onProgress: (tokens: number) => void,
): Promise<ModelHeads> {
  const options = { ...(file !== undefined && { file }), ...(threads !== undefined && { threads }) }
  const { name, model, tokenizer } = await openFolder(path, options)
  try {
    const isWanted = wanted(only, model.layers)
    const ids = [...tokenizer.begin, ...tokenizer.encode(new TextDecoder().decode(bytes))].slice(0, tokens)
    const heads = await captureOnnx({ model, stream: exactStream, ids, only: isWanted, onProgress, signal })
    return {
      name,
      layers: model.layers,
      tokens: ids.length,
      heads: heads.map((own) => {
        const { groups, shape, sinks } = model.layers[own.layer]
        const sinkLogit = sinks?.slice(own.head * groups, (own.head + 1) * groups)
        return { ...own, groups, shape: { ...shape, ...(sinkLogit && { sinkLogit }) } }
      }),
    }
  } finally {
    await model.release()
  }
}

function smallHeads({ model: name, tokens, only }: ModelHeadsOptions, bytes: Uint8Array): ModelHeads {
  const model = openModel(name)
  const { layers, heads, d } = model.config
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  const all = Array.from({ length: layers }, () => ({ kvHeads: heads, shape }))
  const isWanted = wanted(only, all)
  const ids = [model.tokenizer.bos, ...model.tokenizer.encode(bytes)].slice(0, tokens)
  const found = captureSmall({ model, stream: exactStream, ids }).filter(({ layer, head }) => isWanted(layer, head))
  return { name, layers: all, tokens: ids.length, heads: found.map((own) => ({ ...own, groups: 1, shape })) }
}

/** @throws RangeError when a head that was asked for sees a window alone: whatever command it is asked by, there is no method to choose */
export function refuseWindows(heads: readonly ModelHead[], command: string): void {
  const own = heads.find(({ shape }) => shape.window !== undefined)
  if (own)
    throw new RangeError(
      `layer ${own.layer} keeps a window of ${own.shape.window} tokens of its own: there is nothing to ${command}`,
    )
}

/** The heads that are asked for. Layers with a window of their own need no method, those that read another's keys have none, and they are left out unless they are. */
function wanted(only: readonly string[] | undefined, layers: ModelHeads['layers']) {
  const names = layers.flatMap(({ kvHeads }, layer) => Array.from({ length: kvHeads }, (_, head) => `${layer}.${head}`))
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new RangeError(`there is no head ${unknown}, only ${names[0]} … ${names.at(-1)!}`)
  const isUsual = ({ shape, reads }: ModelHeads['layers'][number]) => shape.window === undefined && reads === undefined
  if (!only && !layers.some(isUsual))
    throw new RangeError('all layers keep a window of their own: there is nothing to choose')
  return (layer: number, head: number) => (only ? only.includes(`${layer}.${head}`) : isUsual(layers[layer]))
}
