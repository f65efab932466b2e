import { catalogue, exactStream } from '@sublinear/attention'
import {
  advisedStreams,
  bitsOfWindow,
  capture,
  headStreams,
  needlePrompt,
  needleTrial,
  unrotated,
  windowStarts,
  type HeadSpec,
} from '@sublinear/small-lm'
import { methodNamed } from '../methods'
import { openModel } from '../models'
import { budgetBytes, keyOf, type Cell, type Outcome, type Task } from './task'
import { openTextNamed, otherText } from './texts'
import { watched } from './watched'
import { folderTaskRunner } from './run-folder-task'
import { isFolder } from '../folder/model-folder'
import { remembered } from './remembered'

/** Tokens of the text from which pilots are made. */
const PILOT = 512

/** Makes a runner of tasks, one after another: models, texts, pilots and sizes of streams are computed once. */
export function taskRunner(): (task: Task) => Promise<Outcome> {
  const models = remembered(openModel)
  const texts = remembered((name: string) => remembered((model: Cell['model']) => models(model).tokenizer.encode(openTextNamed(name)))) // prettier-ignore
  const pilots = remembered((text: string) =>
    remembered((name: Cell['model']) => {
      const model = models(name)
      const ids = [model.tokenizer.bos, ...texts(text)(name).subarray(0, PILOT - 1)]
      return capture({ model, stream: exactStream, ids })
    }),
  )
  const streams = new Map<string, Promise<HeadSpec | undefined>>()
  const inFolder = folderTaskRunner()

  const sized = async ({ protocol, cell, path, advice }: Task): Promise<HeadSpec | undefined> => {
    const model = models(cell.model)
    if (advice) return advisedStreams(model, advice, catalogue)
    return headStreams({
      model,
      method: await methodNamed(path ?? cell.method),
      budgetBytes: budgetBytes(cell.budget, 4 * 2 * model.config.d * cell.tokens),
      tokens: cell.tokens,
      pilots: pilots(otherText(protocol.text))(cell.model),
    })
  }
  const streamsOf = (task: Task): Promise<HeadSpec | undefined> => {
    const key = keyOf(task.cell)
    const known = streams.get(key) ?? sized(task)
    streams.set(key, known)
    return known
  }

  return async (task) => {
    const { protocol, cell, trial } = task
    if (isFolder(cell.model)) return inFolder(task)
    const model = models(cell.model)
    const ids = texts(protocol.text)(cell.model)
    try {
      const make = await streamsOf(task)
      if (!make) return { refused: 'does not fit' }
      const { stream: watching, peakBytes } = watched(make)
      const stream = make.unrotated ? unrotated(watching) : watching
      if (protocol.kind === 'needle') {
        const { depths, distractors, seed } = protocol
        const { tokenizer } = model
        const { tokens } = cell
        const prompt = needlePrompt({ tokenizer, haystack: ids, tokens, depths, distractors, seed, trial })
        const right = needleTrial({ model, stream, prompt }).recalls.map(({ isRight }) => isRight)
        return { right, peakBytes: peakBytes() }
      }
      const from = windowStarts(ids.length, cell.tokens, protocol.windows)[trial]
      const cost = bitsOfWindow({ model, stream, ids, tokens: cell.tokens, from })
      return { ...cost, peakBytes: peakBytes() }
    } catch (error) {
      return { refused: error instanceof Error ? error.message : String(error) }
    }
  }
}
