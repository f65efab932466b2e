// Both models against the training framework (float32 weights, PyTorch; scripts/fixtures.mjs). Float16 weights move a logit by at most
// 0.012 here; with the float32 weights of the same script (`convert.mjs … F32`) the largest difference was 1.7e-5 of 20.8.
// Kills, with the largest difference of a logit: no `prev` map (20), rotation by pairs (2i, 2i + 1) (2.4), the scale left out (3.2), no
// squared ReLU (12), weights not transposed (26), positions that begin anew in each block (9.8), queries and keys of 'bounded' at their own
// lengths (9.7); positions from 1, which logits cannot tell (captures: 0.19). The epsilon of layer norm makes no difference that float16
// weights would show.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decodeNpy } from '@sublinear/io'
import { exactStream } from '@sublinear/exact-attention'
import { describe, expect, test } from 'vitest'
import { capture, generate, logits, reader } from '../src'
import { fixture, model, NAMES, reference } from './model-files'

const TOLERANCE = 0.02
const shipped = (file: string) => fileURLToPath(new URL(`../../../apps/cli/data/${file}`, import.meta.url))

describe.each(NAMES)('the %s model', (name) => {
  const lm = model(name)
  const { ids, rows, text } = reference
  const vocabulary = lm.config.vocabulary

  test('encodes the prompt as in training', () => {
    expect([lm.tokenizer.bos, ...lm.tokenizer.encode(text)]).toEqual(ids)
  })

  test('gives the logits of the training framework', () => {
    const { data } = decodeNpy(fixture(`${name}-logits.npy`))
    const got = logits({ model: lm, stream: exactStream, ids })
    const differences = rows.flatMap((row, i) =>
      Array.from({ length: vocabulary }, (_, c) =>
        Math.abs(got.data[row * vocabulary + c] - Number(data[i * vocabulary + c])),
      ),
    )
    expect(Math.max(...differences)).toBeLessThan(TOLERANCE)
  })

  test('goes on as the training framework does', () => {
    const { continuation } = reference.models[name]
    const got = generate({ model: lm, stream: exactStream, ids, count: continuation.length })
    expect(Array.from(got)).toEqual(continuation)
  })

  test('says the same in blocks, token by token, and again', () => {
    const long = reference.captured.slice(0, 300)
    const whole = logits({ model: lm, stream: exactStream, ids: long }).data
    const run = reader({ model: lm, stream: exactStream })
    const parts = long.map((id) => run.read([id], 'last').data)
    const largest = Math.max(
      ...parts.map((row, i) => Math.max(...row.map((x, c) => Math.abs(x - whole[i * vocabulary + c])))),
    )
    expect(largest).toBeLessThan(1e-3)
    expect(logits({ model: lm, stream: exactStream, ids: long }).data).toEqual(whole)
  })
})

test('captures are the heads that the command-line tool ships', () => {
  const heads = capture({ model: model('sharp'), stream: exactStream, ids: reference.captured })
  for (const [part, file] of [
    ['queries', 'q'],
    ['keys', 'k'],
    ['values', 'v'],
  ] as const) {
    const { shape, data } = decodeNpy(readFileSync(shipped(`sharp-${file}.npy`)))
    const size = shape[2] * shape[3]
    for (const [i, [layer, head]] of [
      [0, 0],
      [0, 1],
      [2, 0],
      [2, 1],
    ].entries()) {
      const own = heads.find((one) => one.layer === layer && one.head === head)!
      let [error, norm] = [0, 0]
      for (let j = 0; j < size; j++) {
        error += (own[part].data[j] - Number(data[i * size + j])) ** 2
        norm += Number(data[i * size + j]) ** 2
      }
      expect(Math.sqrt(error / norm), `${part} of ${layer}.${head}`).toBeLessThan(1e-3) // 6.4e-4 at most
    }
  }
})
