// Reads a text through bounded streams of the small model: `node small-lm.mjs n window|far`. Tokens repeat after the first 4096 of a text; the
// event loop turns between blocks, as it does in a program that reads a file.
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { farKeys, sinks, tiers, window } from '@sublinear/kv-cache'
import { languageModel, reader } from '@sublinear/small-lm'
import { closureStream } from '@sublinear/streaming-attention'

const data = (file) => readFileSync(new URL(`../../../../packages/small-lm/data/${file}`, import.meta.url))
const [n, kind] = [Number(process.argv[2]), process.argv[3]]
const parts = { window: [sinks({ count: 4 }), window({ count: 252 })], far: [farKeys({ count: 256 }), closureStream] }[
  kind
]
const model = languageModel(data('sharp.safetensors'))
const text = model.tokenizer.encode(data('romans.txt').subarray(0, 12_000)).subarray(0, 4096)
const run = reader({ model, stream: (shape) => tiers({ ...shape, parts }) })
for (let at = 0; at < n; at += 128) {
  run.read(text.subarray(at % 4096, (at % 4096) + 128), 'none')
  await setImmediate()
}
