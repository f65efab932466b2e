import type { HeadSpec, OnnxModel } from '@sublinear/onnx'
import { needlePrompt, needleReads, readThroughLater, windowReads, windowStarts, type Reads } from '@sublinear/small-lm'
import { recipeStreams } from '../folder/folder-recipes'
import { folderStreams } from '../folder/folder-streams'
import { openFolder } from '../folder/model-folder'
import { methodNamed } from '../methods'
import type { Sizing } from '../sizing'
import { remembered } from './remembered'
import { budgetBytes, keyOf, type Outcome, type Task } from './task'
import { openTextNamed } from './texts'
import { watched } from './watched'

/** Makes a runner of tasks for models in folders, as taskRunner does for others: methods get no pilot, and a budget is a share of each head's own cache. */
export function folderTaskRunner(): (task: Task) => Promise<Outcome> {
  const folders = remembered((path: string) => openFolder(path, { threads: 1 }))
  const texts = remembered((path: string) =>
    remembered(async (text: string) => {
      const { tokenizer } = await folders(path)
      return tokenizer.encode(new TextDecoder().decode(openTextNamed(text)))
    }),
  )
  const streams = new Map<string, Promise<HeadSpec | undefined>>()

  return async (task) => {
    const { protocol, cell, trial } = task
    try {
      const { model, tokenizer } = await folders(cell.model)
      const ids = await texts(cell.model)(protocol.text)
      const key = keyOf(cell)
      const found = streams.get(key) ?? sized(model, task)
      streams.set(key, found)
      const make = await found
      if (!make) return { refused: 'does not fit' }
      const { stream: watching, peakBytes } = watched(make)
      const stream = Object.assign(watching, make.unrotated && { unrotated: true })
      const { tokens } = cell
      const read = async <Result>(reads: Reads<Result>): Promise<Result> => {
        using reader = model.reader({ stream })
        return await readThroughLater(reads, reader)
      }
      if (protocol.kind === 'needle') {
        const { depths, distractors, seed } = protocol
        const prompt = needlePrompt({ tokenizer, haystack: ids, tokens, depths, distractors, seed, trial })
        const recalls = await read(needleReads(prompt))
        return { right: recalls.map(({ isRight }) => isRight), peakBytes: peakBytes() }
      }
      const from = windowStarts(ids.length, tokens, protocol.windows)[trial]
      const cost = await read(windowReads({ tokenizer, ids, tokens, from }))
      return { ...cost, peakBytes: peakBytes() }
    } catch (error) {
      return { refused: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** Makes the streams of a cell; undefined where a head has none within the budget. */
async function sized(model: OnnxModel, { cell, path, advice }: Task): Promise<HeadSpec | undefined> {
  if (advice) return recipeStreams(model, advice)
  const method = await methodNamed(path ?? cell.method)
  let fits = true
  const sizeOf: Sizing = (shape, traffic) => {
    const cache = 4 * (shape.d + shape.dv) * cell.tokens
    const bytes = method.name === 'exact' ? Infinity : budgetBytes(cell.budget, cache)
    const options = method.within(shape, bytes, traffic)
    fits &&= options !== undefined
    return { options: options ?? {}, details: {} }
  }
  const spec = folderStreams(model, method, sizeOf, cell.tokens)
  return fits ? spec : undefined
}
