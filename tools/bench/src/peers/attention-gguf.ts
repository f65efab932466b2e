import { normals } from '../random.ts'
import { transformerGguf } from './transformer-gguf.ts'

/** Tokens in the model's vocabulary; its cost does not depend on which of them is read. */
export const ATTENTION_VOCABULARY = 64

/**
 * A GGUF file of one layer that is nearly nothing but its heads, for llama.cpp: it is 64 wide, so that its maps cost little beside attention over
 * thousands of tokens.
 * Weights are normal numbers; queries and keys then have entries of variance 1, as in the other benches.
 */
export function attentionGguf(heads: number, d: number): Uint8Array {
  const [width, hidden] = [64, 32]
  const norm = { weight: new Float32Array(width).fill(1), bias: new Float32Array(width) }
  const sizes = {
    layers: 1,
    heads,
    d,
    width,
    hidden,
    vocabulary: ATTENTION_VOCABULARY,
    ropeBase: 10_000,
    epsilon: 1e-5,
  }
  return transformerGguf(sizes, {
    half: true,
    embedding: normals(ATTENTION_VOCABULARY * width, 1),
    unembedding: random(ATTENTION_VOCABULARY, width, 2),
    lastNorm: norm,
    layer: () => ({
      attentionNorm: norm,
      q: random(heads * d, width, 3),
      k: random(heads * d, width, 4),
      v: random(heads * d, width, 5),
      project: random(width, heads * d, 6),
      hiddenNorm: norm,
      up: random(hidden, width, 7),
      down: random(width, hidden, 8),
    }),
  })
}

/** Normal entries of variance 1/cols. */
function random(rows: number, cols: number, seed: number): Float32Array {
  return normals(rows * cols, seed).map((x) => x / Math.sqrt(cols))
}
