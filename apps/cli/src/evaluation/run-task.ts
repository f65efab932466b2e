import { modelStreams, type AttentionStream, type ModelBudget, type ModelHeads } from '@sublinear/attention'
import {
  bitsOfWindow,
  needlePrompt,
  needleTrial,
  windowStarts,
  type HeadSpec,
  type LanguageModel,
} from '@sublinear/small-lm'
import { openModel } from '../models'
import { openTextNamed } from './texts'
import { budgetBytes, keyOf, type Cell, type ModelRecipes, type Outcome, type Task } from './task'

/** Runs tasks one after another: models, texts and the sizes of streams are found once. */
export function taskRunner(): (task: Task) => Outcome {
  const models = remembered(openModel)
  const texts = remembered((name: string) => remembered((model: Cell['model']) => models(model).tokenizer.encode(openTextNamed(name)))) // prettier-ignore
  const streams = new Map<string, ModelHeads | undefined>()

  const streamsOf = ({ cell, recipes }: Task, model: LanguageModel): ModelHeads | undefined => {
    const key = keyOf(cell)
    if (!streams.has(key)) streams.set(key, modelStreams[cell.method]!(modelBudget(cell, model, recipes)))
    return streams.get(key)
  }

  return (task) => {
    const { protocol, cell, trial } = task
    const model = models(cell.model)
    const ids = texts(protocol.text)(cell.model)
    try {
      const make = streamsOf(task, model)
      if (!make) return { refused: 'does not fit' }
      const { stream, peakBytes } = watched(make)
      if (protocol.kind === 'needle') {
        const { depths, distractors, seed } = protocol
        const { tokenizer } = model
        const { tokens } = cell
        const prompt = needlePrompt({ tokenizer, haystack: ids, tokens, depths, distractors, seed, trial })
        const right = needleTrial({ model, stream, prompt }).recalls.map(({ isRight }) => isRight)
        return { right, peakBytes: peakBytes() }
      }
      const from = windowStarts(ids.length, cell.tokens, protocol.windows)[trial]!
      const cost = bitsOfWindow({ model, stream, ids, tokens: cell.tokens, from })
      return { ...cost, peakBytes: peakBytes() }
    } catch (error) {
      return { refused: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** The shape of a model's heads, and what each may hold. */
export function modelBudget({ budget, tokens }: Cell, { config }: LanguageModel, recipes?: ModelRecipes): ModelBudget {
  const { layers, heads, d } = config
  const sizes = { layers, heads, tokens, budgetBytes: budgetBytes(budget, 4 * 2 * d * tokens) }
  return { d, dv: d, scale: 1 / Math.sqrt(d), ...sizes, ...(recipes && { recipes }) }
}

/** The streams, with an eye on what they hold after every step. */
function watched(make: ModelHeads): { readonly stream: HeadSpec; readonly peakBytes: () => number } {
  const peaks: number[] = []
  const stream: HeadSpec = (_, layer, head) => {
    const made = make(layer, head)
    const at = peaks.push(made.bytes) - 1
    const own = Object.create(made) as { -readonly [Name in keyof AttentionStream]: AttentionStream[Name] }
    own.step = (block, queries) => {
      const partial = made.step(block, queries)
      peaks[at] = Math.max(peaks[at]!, made.bytes)
      return partial
    }
    return own
  }
  return { stream, peakBytes: () => peaks.reduce((total, peak) => total + peak, 0) }
}

function remembered<Key, Value>(find: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>()
  return (key) => {
    const value = known.has(key) ? known.get(key)! : find(key)
    known.set(key, value)
    return value
  }
}
