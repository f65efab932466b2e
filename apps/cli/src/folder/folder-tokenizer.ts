import { Tokenizer } from '@huggingface/tokenizers'
import { specialTokens } from '@sublinear/onnx'
import type { PromptTokenizer, TextTokenizer } from '@sublinear/small-lm'
import { folderEncoder } from './folder-encoder'
import { jsonIn } from './model-folder'

/** The tokenizer of a model folder, by its tokenizer.json. */
export interface FolderTokenizer extends PromptTokenizer, TextTokenizer {
  /** Encodes a text, without the tokens that begin or end a text. */
  encode(text: string): number[]
  decode(ids: ArrayLike<number>): string
  /** The token that begins every text, or none. Prompts of evaluations need one, and then begin with the token that ends a text. */
  readonly begin: readonly number[]
  readonly chatTemplate?: string
  /** Texts of the tokens that chat templates name. */
  readonly special: Readonly<Record<string, string>>
}

/** Makes the tokenizer of a folder. @throws RangeError when tokenizer.json is missing or of an unknown form */
export function folderTokenizer(path: string): FolderTokenizer {
  const json = jsonIn(path, 'tokenizer.json')
  const config = jsonIn(path, 'tokenizer_config.json', {})
  const model = jsonIn(path, 'config.json', {})
  const own = madeTokenizer(path, json, config)
  const special = specialTokens(config)
  const idOf = (name: string): number | undefined => {
    const text = special[`${name}_token`]
    const id = text === undefined ? model[`${name}_token_id`] : own.token_to_id(text)
    return typeof id === 'number' ? id : undefined
  }
  const first = idOf('bos')
  const bos = first ?? idOf('eos')
  if (bos === undefined) throw new RangeError(`${path} names no token that begins or ends a text`)
  const encode = (text: string) => [...own.encode(text, { add_special_tokens: false }).ids]
  const decode = (ids: ArrayLike<number>) =>
    ids.length === 0 ? '' : own.decode(Array.from(ids), { skip_special_tokens: true })
  const isBytes = JSON.stringify(json['decoder'] ?? {}).includes('"ByteLevel"')
  const bytesOfToken = new Map([...alphabet()].map((letter, byte) => [letter, byte]))
  const template = config['chat_template']
  return {
    bos,
    begin: first === undefined ? [] : [first],
    vocabulary: own.get_vocab().size,
    special,
    ...(typeof template === 'string' && { chatTemplate: template }),
    encode,
    encoder: () => folderEncoder(encode),
    decode,
    bytesOf(ids) {
      if (!isBytes) return new TextEncoder().encode(decode(ids))
      const special = own.get_added_tokens_decoder()
      const letters = Array.from(ids).flatMap((id) => (special.has(id) ? [] : Array.from(own.id_to_token(id) ?? '')))
      return Uint8Array.from(letters, (letter) => bytesOfToken.get(letter) ?? 0x3f)
    },
  }
}

function madeTokenizer(path: string, json: object, config: object): Tokenizer {
  try {
    return new Tokenizer(json, config)
  } catch (error) {
    throw new RangeError(`${path}/tokenizer.json cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** The letters by which byte-level vocabularies write bytes 0 … 255: printable ones stand for themselves, the others from U+0100 on (GPT-2). */
export function alphabet(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return String.fromCodePoint(isPrintable ? byte : next++)
  })
}
