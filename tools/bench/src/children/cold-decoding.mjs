// Runs the small model with exact streams in a fresh process and measures the CPU ms a token of the first 64 tokens that it decodes after a prompt,
// and of later ones: `node cold-decoding.mjs prompt`.
import { readFileSync } from 'node:fs'
import { exactStream } from '@sublinear/exact-attention'
import { languageModel, reader } from '@sublinear/small-lm'

const data = (file) => readFileSync(new URL(`../../../../packages/small-lm/data/${file}`, import.meta.url))
const COUNT = 64
const model = languageModel(data('sharp.safetensors'))
const { bos, encode } = model.tokenizer
const prompt = Number(process.argv[2])
const text = [bos, ...encode(data('persuasion.txt').subarray(0, 20_000))]
const ms = (work) => {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
const decoding = () => {
  const run = reader({ model, stream: exactStream })
  run.read(text.slice(0, prompt), 'last')
  const time = ms(() => {
    for (let i = 0; i < COUNT; i++) run.read([text[run.tokens]], 'last')
  })
  run[Symbol.dispose]()
  return time / COUNT
}
const first = decoding()
for (let i = 0; i < 4; i++) decoding()
const later = Array.from({ length: 3 }, decoding).toSorted((a, b) => a - b)[1]
console.log(JSON.stringify({ first, later }))
