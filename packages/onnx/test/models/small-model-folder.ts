/**
 * One of the two small language models as a model folder: `node small-model-folder.ts folder [sharp|bounded] [dialect]`.
 * config.json, tokenizer.json of the form that tokenizers libraries read, onnx/model.onnx and its data.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeSnapshot } from '@sublinear/core'
import { languageModel } from '@sublinear/small-lm'
import { DIALECTS, opsetOf, type Dialect } from './emit-attention.ts'
import { smallModel } from './small-model.ts'

export function writeSmallModel(folder: string, name: 'sharp' | 'bounded' = 'sharp', dialect: Dialect = 'gqa'): void {
  const bytes = readFileSync(new URL(`../../../small-lm/data/${name}.safetensors`, import.meta.url))
  const model = languageModel(bytes)
  const merges = JSON.parse(decodeSnapshot(bytes, { kind: 'small-lm', version: '1' }).parameters['merges']) as [
    number,
    number,
  ][]
  const json = (file: string, value: object) => writeFileSync(join(folder, file), `${JSON.stringify(value, null, 1)}\n`)
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  const { vocabulary, trainedContext, layers, heads, width } = model.config
  const { bos } = model.tokenizer
  json('config.json', {
    model_type: 'small-lm',
    bos_token_id: bos,
    vocab_size: vocabulary,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_size: width,
    max_position_embeddings: trainedContext,
  })
  json('tokenizer.json', tokenizerOf(merges, bos))
  json('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<bos>' })
  const files = smallModel(model, dialect, 16_384).files({
    data: 'model.onnx_data',
    opset: opsetOf(dialect),
  })
  for (const [file, data] of Object.entries(files)) writeFileSync(join(folder, 'onnx', file), data)
}

/** Byte-level byte-pair encoding with the small models' pre-tokens. */
function tokenizerOf(merges: readonly (readonly [number, number])[], bos: number): object {
  let next = 256
  const letters = Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return String.fromCodePoint(isPrintable ? byte : next++)
  })
  const tokens = [...letters]
  const pairs = merges.map(([left, right]) => {
    tokens.push(tokens[left] + tokens[right])
    return `${tokens[left]} ${tokens[right]}`
  })
  const added = {
    id: bos,
    content: '<bos>',
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [added],
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: ' ?[A-Za-z]+| ?[0-9]{1,2}| ?[^A-Za-z0-9\\s]+|\\s' },
          behavior: 'Isolated',
          invert: false,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries([...tokens, '<bos>'].map((token, id) => [token, id])),
      merges: pairs,
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, name = 'sharp', dialect = 'gqa'] = process.argv.slice(2)
  const isKnown = name === 'sharp' || name === 'bounded'
  if (folder === undefined || !isKnown || !(DIALECTS as readonly string[]).includes(dialect)) {
    console.error(`node small-model-folder.ts folder [sharp|bounded] [${DIALECTS.join('|')}]`)
    process.exit(1)
  }
  writeSmallModel(folder, name, dialect as Dialect)
}
