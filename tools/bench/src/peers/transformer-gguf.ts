import { toHalf } from '@sublinear/core'
import { gguf, type GgufTensor, type GgufValue } from './gguf.ts'

/** Sizes of a pre-norm transformer with rotary positions and squared ReLU. */
export interface TransformerSizes {
  readonly layers: number
  readonly heads: number
  readonly d: number
  readonly width: number
  readonly hidden: number
  readonly vocabulary: number
  readonly ropeBase: number
  readonly epsilon: number
}

interface Norm {
  readonly weight: Float32Array
  readonly bias: Float32Array
}

/** Weights of a transformer; linear maps are outputs × inputs. */
export interface TransformerWeights {
  /** Whether matrices are written in float16; the embedding never is. */
  readonly half: boolean
  readonly embedding: Float32Array // vocabulary × width
  readonly unembedding: Float32Array // vocabulary × width
  readonly lastNorm: Norm
  readonly layer: (l: number) => {
    readonly attentionNorm: Norm
    readonly q: Float32Array // heads·d × width
    readonly k: Float32Array // heads·d × width
    readonly v: Float32Array // heads·d × width
    readonly project: Float32Array // width × heads·d
    readonly hiddenNorm: Norm
    readonly up: Float32Array // hidden × width
    readonly down: Float32Array // width × hidden
  }
}

/**
 * Name that llama.cpp has for the architecture with layer norm, squared ReLU, rotary positions in halves and heads of any width; it has biases, which
 * are zeros here.
 */
const ARCHITECTURE = 'jais2'

/** The bytes of a GGUF file from which llama.cpp loads a transformer. */
export function transformerGguf(sizes: TransformerSizes, weights: TransformerWeights): Uint8Array {
  const { layers, heads, d, width, hidden, vocabulary } = sizes
  const out: GgufTensor[] = []
  const matrix = (name: string, shape: readonly number[], data: Float32Array, half = weights.half) =>
    out.push({ name: `${name}.weight`, shape, data: half ? toHalf(data) : data })
  const map = (name: string, outputs: number, inputs: number, data: Float32Array) => {
    matrix(name, [outputs, inputs], data)
    out.push({ name: `${name}.bias`, shape: [outputs], data: new Float32Array(outputs) })
  }
  const norm = (name: string, { weight, bias }: Norm) => {
    out.push(
      { name: `${name}.weight`, shape: [width], data: weight },
      { name: `${name}.bias`, shape: [width], data: bias },
    )
  }

  matrix('token_embd', [vocabulary, width], weights.embedding, false)
  matrix('output', [vocabulary, width], weights.unembedding)
  norm('output_norm', weights.lastNorm)
  for (let l = 0; l < layers; l++) {
    const own = weights.layer(l)
    for (const part of ['q', 'k', 'v'] as const) map(`blk.${l}.attn_${part}`, heads * d, width, own[part])
    map(`blk.${l}.attn_output`, width, heads * d, own.project)
    map(`blk.${l}.ffn_up`, hidden, width, own.up)
    map(`blk.${l}.ffn_down`, width, hidden, own.down)
    norm(`blk.${l}.attn_norm`, own.attentionNorm)
    norm(`blk.${l}.ffn_norm`, own.hiddenNorm)
  }
  return gguf(metadata(sizes), out)
}

function metadata({ layers, heads, d, width, hidden, vocabulary, ropeBase, epsilon }: TransformerSizes) {
  const own: Readonly<Record<string, GgufValue>> = {
    context_length: 131_072,
    embedding_length: width,
    block_count: layers,
    feed_forward_length: hidden,
    'attention.head_count': heads,
    'attention.head_count_kv': heads,
    'attention.key_length': d,
    'attention.value_length': d,
    'attention.layer_norm_epsilon': { float: epsilon },
    'rope.freq_base': { float: ropeBase },
    'rope.dimension_count': d,
    vocab_size: vocabulary,
  }
  return {
    'general.architecture': ARCHITECTURE,
    'tokenizer.ggml.model': 'no_vocab',
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${ARCHITECTURE}.${name}`, value])),
  }
}
