import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { chatTurns, specialTokens, type ChatTurns } from '@sublinear/onnx'
import type { ModelFolder } from './folder-files'

/** Text and tokens of a model, by the files of its folder. */
export interface FolderText {
  encode(text: string): number[]
  decode(ids: number[]): string
  /** Tokens that end an answer. */
  readonly end: readonly number[]
  /** Makes a talk by the model's template; without one, the text goes on as it is written. */
  talk(): ChatTurns
  readonly hasTemplate: boolean
}

/** Makes the text of a model folder. @throws RangeError when tokenizer.json is of an unknown form */
export function folderText(folder: ModelFolder): FolderText {
  const { config, tokenizerConfig, generation, chatTemplate } = folder
  const own = tokenizerOf(folder)
  const special = specialTokens(tokenizerConfig)
  const named = generation['eos_token_id'] ?? config['eos_token_id']
  const eos = special['eos_token'] === undefined ? undefined : own.token_to_id(special['eos_token'])
  const end = [...(Array.isArray(named) ? named : [named]), eos].filter((id): id is number => typeof id === 'number')
  return {
    encode: (text) => [...own.encode(text, { add_special_tokens: false }).ids],
    decode: (ids) => (ids.length === 0 ? '' : own.decode(ids, { skip_special_tokens: true })),
    end: [...new Set(end)],
    hasTemplate: chatTemplate !== undefined,
    talk: () =>
      chatTemplate === undefined
        ? continued(special['bos_token'] ?? '')
        : chatTurns({ special, template: new Template(chatTemplate) }),
  }
}

/** Makes a text without turns: it is read as it is written. */
function continued(begin: string): ChatTurns {
  let isBegun = false
  return {
    ask(content) {
      const text = isBegun ? content : begin + content
      isBegun = true
      return text
    },
    answer() {},
  }
}

function tokenizerOf({ tokenizer, tokenizerConfig }: ModelFolder): Tokenizer {
  try {
    return new Tokenizer(tokenizer, tokenizerConfig)
  } catch (error) {
    throw new RangeError(`tokenizer.json cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
