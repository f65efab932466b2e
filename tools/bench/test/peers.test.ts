// Peers compute what we do. Kills: a peer without its mask or scale, keys in another order, a timing of something else.
import { readFileSync } from 'node:fs'
import { matrix } from '@sublinear/core'
import { exactAttention, exactStream } from '@sublinear/exact-attention'
import { languageModel, logits } from '@sublinear/small-lm'
import { describe, expect, test } from 'vitest'
import { scalarAttention } from '../src/baselines/attention.ts'
import { llamaContext, llamaInstalled } from '../src/peers/llama.ts'
import { mlMatrixAttention } from '../src/peers/ml-matrix.ts'
import { onnxCache } from '../src/peers/onnx-cache.ts'
import { onnxruntimeAttention } from '../src/peers/onnxruntime.ts'
import { smallLmGguf } from '../src/peers/small-lm-gguf.ts'
import { tfjsAttention } from '../src/peers/tfjs.ts'
import { normals } from '../src/random.ts'
import { jobOf } from '../src/suites/exact-attention.ts'
import { textOf } from '../src/suites/llama.ts'

// A timing of a peer that computes something else is worthless: every peer answers as we do, to 1e-4.
describe.each([false, true])('causal %s', (causal) => {
  const job = jobOf(100, causal)
  const ours = exactAttention(job).data

  test.each([
    ['onnxruntime-node', async () => await onnxruntimeAttention(job)],
    ['tfjs-wasm, keys transposed', async () => await tfjsAttention(job, 'transposed')],
    ['tfjs-wasm, transposeB', async () => await tfjsAttention(job, 'flag')],
    ['ml-matrix', async () => mlMatrixAttention(job)],
    ['plain JS', async () => () => scalarAttention(job).data],
  ])('%s agrees with exactAttention', async (_, prepare) => {
    const run = await prepare()
    const theirs = await run()
    expect(theirs.length).toBe(ours.length)
    expect(Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])))).toBeLessThan(1e-4)
  })
})

// Kills: codes in another order, a cache that does not end at the token (both answer something else altogether).
test.each([
  ['float32', 1e-5],
  ['int8', 0.01],
  ['int4', 0.08],
] as const)("onnxruntime's operator for caches in %s answers as we do, to %d", async (cache, bound) => {
  const [heads, held, d] = [2, 200, 64]
  const [queries, keys, values] = [normals(heads * d, 1), normals(heads * held * d, 2), normals(heads * held * d, 3)]
  const theirs = await (await onnxCache({ heads, held, d, cache, queries, keys, values }))()
  for (let h = 0; h < heads; h++) {
    const own = (all: Float32Array, rows: number) => matrix(rows, d, all.subarray(h * rows * d, (h + 1) * rows * d))
    const job = { queries: own(queries, 1), keys: own(keys, held), values: own(values, held), scale: 1 / Math.sqrt(d) }
    expect(worst(exactAttention(job).data, theirs.subarray(h * d, (h + 1) * d))).toBeLessThan(bound)
  }
})

// llama.cpp runs our model from a file that we write: with float32 weights and without flash attention, which rounds queries to float16, it has our logits, so the file says what the model says.
// Kills: heads or halves in another order, a missing bias, the wrong row for a pair of tokens (each moves logits by more than 1).
describe.skipIf(!llamaInstalled())('llama.cpp with the small model', () => {
  const weights = readFileSync(new URL('../../../packages/small-lm/data/sharp.safetensors', import.meta.url))
  const model = languageModel(weights)
  const text = textOf(model).subarray(0, 200)
  const ours = logits({ model, stream: exactStream, ids: text }).data
  const { vocabulary } = model.config

  test.each([
    [false, 'f32', 1e-3],
    [true, 'f32', 0.05],
    [false, 'f16', 0.05],
  ] as const)('has our logits: flash %s, cache %s, to %d', { timeout: 60_000 }, async (flash, cache, bound) => {
    const { file, ids } = smallLmGguf(weights, text, cache === 'f16')
    const context = await llamaContext({ model: file, build: 'best', flash, cache, tokens: 256 })
    const theirs = await context.logits(ids, vocabulary)
    expect(worst(ours, theirs)).toBeLessThan(bound)
  })

  test('a text of more pairs than the model has tokens is refused', () => {
    const many = Uint16Array.from({ length: 3000 }, (_, i) => (i * (1 + Math.floor(i / vocabulary))) % vocabulary)
    expect(() => smallLmGguf(weights, many)).toThrow('different pairs')
  })
})

function worst(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}
