import { exactStream, plan } from '@sublinear/attention'
import { capture, type HeadAdvice, type ModelAdvice } from '@sublinear/small-lm'
import { isFolder } from '../folder/model-folder'
import { modelHeads } from '../folder/model-heads'
import { openModel } from '../models'
import { budgetBytes, type Cell } from './task'
import { openTextNamed } from './texts'

/** Tokens of the text from which advice is made. */
const PILOT = 2048

export interface AdviceTask {
  readonly cell: Cell
  /** Name of the text; none of the texts that are read later. */
  readonly text: string
}

/** Plans for every head of a model within a budget, from the beginning of a text that the model reads with its own attention. */
export async function adviseCell({ cell, text }: AdviceTask): Promise<ModelAdvice> {
  if (isFolder(cell.model)) return adviseFolder({ cell, text })
  const model = openModel(cell.model)
  const { layers, d } = model.config
  const { bos, encode } = model.tokenizer
  const ids = [bos, ...encode(openTextNamed(text)).subarray(0, PILOT - 1)]
  const { tokens } = cell
  const asked = { d, dv: d, scale: 1 / Math.sqrt(d), tokens, budgetBytes: budgetBytes(cell.budget, 4 * 2 * d * tokens) }
  const advice: HeadAdvice[][] = Array.from({ length: layers }, () => [])
  for (const { layer, ...pilot } of capture({ model, stream: exactStream, ids })) {
    const { method, options } = await plan({ ...asked, pilot, task: 'both' })
    advice[layer].push({ method, options })
  }
  return advice
}

/** Plans for the key heads of a folder's model; layers with a window of their own need no advice. */
async function adviseFolder({ cell: { model, tokens, budget }, text }: AdviceTask): Promise<ModelAdvice> {
  const never = new AbortController().signal
  const asked = { model, text, tokens: PILOT, threads: 1, signal: never, quiet: true }
  const { heads, layers } = await modelHeads(asked)
  const advice: HeadAdvice[][] = layers.map(() => [])
  for (const { layer, shape, queries, keys, values } of heads) {
    const { d, dv, scale, softcap, sinkLogit } = shape
    const bytes = budgetBytes(budget, 4 * (d + dv) * tokens)
    const pilot = { queries, keys, values }
    const own = { d, dv, scale, softcap, sinkLogit }
    const { method, options } = await plan({ ...own, tokens, budgetBytes: bytes, pilot, task: 'both' })
    advice[layer].push({ method, options })
  }
  return advice
}
