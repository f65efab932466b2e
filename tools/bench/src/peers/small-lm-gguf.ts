import { decodeSnapshot } from '@sublinear/core'
import { transformerGguf, type TransformerSizes } from './transformer-gguf.ts'

/** A model file for llama.cpp, and a text in the ids that it takes. */
export interface SmallLmGguf {
  readonly file: Uint8Array
  /** A row of its embedding for each token of the text. */
  readonly ids: Uint32Array
}

/**
 * The repository's small model as a GGUF file in which llama.cpp computes the same function, with the same shapes.
 * llama.cpp's architecture lacks one thing: what a position gets from the token before it. It depends on these two tokens alone, so the embedding has a row for
 * each pair of neighbours in the text: as many rows as the model has tokens are enough for a text that repeats itself.
 *
 * @param weights  a file of packages/small-lm/data
 * @param text  token ids, at most `vocabulary` different pairs of neighbours; half  whether matrices are float16, as in the repository's file, else float32
 * @throws RangeError when the text has more different pairs
 */
export function smallLmGguf(weights: Uint8Array, text: ArrayLike<number>, half = true): SmallLmGguf {
  const { parameters, tensors } = decodeSnapshot(weights, { kind: 'small-lm', version: '1' })
  const config = JSON.parse(parameters['config']) as TransformerSizes
  const { heads, d, width } = config
  const data = (name: string) => tensors.get(name)!.data as Float32Array
  const { ids, rows } = pairEmbedding(text, data('emb.weight'), data('prev.weight'), config)
  const normOf = (name: string) => ({ weight: data(`${name}.weight`), bias: data(`${name}.bias`) })
  const size = heads * d * width
  const file = transformerGguf(config, {
    half,
    embedding: rows,
    unembedding: data('emb.weight'),
    lastNorm: normOf('lnf'),
    layer: (l) => {
      const own = `blocks.${l}`
      const qkv = data(`${own}.qkv.weight`)
      return {
        attentionNorm: normOf(`${own}.ln1`),
        q: qkv.subarray(0, size),
        k: qkv.subarray(size, 2 * size),
        v: qkv.subarray(2 * size),
        project: data(`${own}.proj.weight`),
        hiddenNorm: normOf(`${own}.ln2`),
        up: data(`${own}.up.weight`),
        down: data(`${own}.down.weight`),
      }
    },
  })
  return { file, ids }
}

/** Numbers the pairs of neighbours of a text, and gives each an embedding: that of its second token and `prev` of its first. */
function pairEmbedding(
  text: ArrayLike<number>,
  embedding: Float32Array, // vocabulary × width
  map: Float32Array, // width × width, outputs × inputs
  { width, vocabulary }: TransformerSizes,
): { ids: Uint32Array; rows: Float32Array } {
  const known = new Map<string, number>()
  const rows = new Float32Array(vocabulary * width)
  const ids = Uint32Array.from({ length: text.length }, (_, i) => {
    const pair = `${i === 0 ? '' : text[i - 1]} ${text[i]}`
    const old = known.get(pair)
    if (old !== undefined) return old
    const id = known.size
    if (id === vocabulary) throw new RangeError(`smallLmGguf: the text has more than ${vocabulary} different pairs`)
    known.set(pair, id)
    for (let r = 0; r < width; r++) {
      let sum = embedding[text[i] * width + r]
      if (i > 0) for (let c = 0; c < width; c++) sum += map[r * width + c] * embedding[text[i - 1] * width + c]
      rows[id * width + r] = sum
    }
    return id
  })
  return { ids, rows }
}
