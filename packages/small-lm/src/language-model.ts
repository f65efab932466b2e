import { decodeSnapshot, readBy, schema } from '@sublinear/core'
import { parseConfig, parseJson, type ModelConfig } from './config'
import { tokenizer, type Tokenizer } from './tokenizer'
import { weightsOf, type Weights } from './weights'

/** A decoder-only transformer with its tokenizer; reading it changes nothing. */
export interface LanguageModel {
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  readonly weights: Weights
}

/** Kind and version of the weight file, as scripts/convert.mjs writes it. */
export const KIND = 'small-lm'
export const VERSION = '1'

/** Weight files, beside the tensors, whose names and shapes follow from the sizes of `config`. */
export const languageModelSchema = schema({
  kind: KIND,
  version: VERSION,
  parameters: { config: 'text', merges: 'text' },
})

/**
 * Opens the model in a weight file: safetensors with config and merges as metadata, and a CRC-32.
 * Source: pre-norm transformer with rotary positions (Su et al. 2021), squared ReLU (So et al. 2021) and tied embeddings. Deviation:
 *   each position also gets a linear map of the embedding of the token before.
 *
 * Cost: 4 bytes a weight, 8 for those of the embedding; a few hundredths of a second.
 *
 * @param bytes  the whole file, weights in F16, BF16 or F32
 * @throws TypeError, RangeError when the file is cut, damaged, of another kind, or a tensor is missing or does not fit
 */
export function languageModel(bytes: Uint8Array): LanguageModel {
  const who = 'languageModel'
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  readBy(who, languageModelSchema, snapshot)
  const { parameters, tensors } = snapshot
  const config = parseConfig(who, parameters['config'])
  const own = tokenizer(parseJson(who, 'merges', parameters['merges']) as [number, number][])
  if (own.vocabulary !== config.vocabulary)
    throw new RangeError(`${who}: merges make ${own.vocabulary} ids, the config says ${config.vocabulary}`)
  return { config, tokenizer: own, weights: weightsOf(who, tensors, config) }
}
