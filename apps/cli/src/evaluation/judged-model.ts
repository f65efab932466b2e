import type { PromptTokenizer } from '@sublinear/small-lm'
import { tokenBytes } from '../folder/folder-streams'
import { isFolder, openFolder } from '../folder/model-folder'
import { openModel } from '../models'

/** A model as an evaluation reads and judges it. */
export interface JudgedModel {
  readonly tokenizer: PromptTokenizer
  encode(text: Uint8Array): ArrayLike<number>
  /** Bytes of a token in a float32 cache of all heads. */
  readonly tokenBytes: number
}

/** Opens a model that comes with the command, or a folder's. @throws RangeError as openModel and openFolder do */
export async function judgedModel(name: string): Promise<JudgedModel> {
  if (isFolder(name)) {
    const { model, tokenizer } = await openFolder(name, { isMapped: true })
    await model.release()
    return {
      tokenizer,
      encode: (text) => tokenizer.encode(new TextDecoder().decode(text)),
      tokenBytes: tokenBytes(model),
    }
  }
  const { tokenizer, config } = openModel(name)
  const { layers, heads, d } = config
  return { tokenizer, encode: tokenizer.encode, tokenBytes: 4 * 2 * d * layers * heads }
}
