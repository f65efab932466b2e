/**
 * `node evidence/first-tokens/ask.ts`: what the first 64 tokens cost that a fresh process decodes with the small model, against later ones;
 * result.json. CPU time of the whole process, what V8 compiles beside included; processes in turns, medians.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { exactStream, type StreamSpec } from '@sublinear/attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { languageModel, reader } from '@sublinear/small-lm'

const KINDS: Record<string, StreamSpec> = {
  exact: exactStream,
  window: (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
}
/** Tokens read before, in one call. */
const PROMPTS = [16, 1000, 2048]
const [FIRST, WARM, ALL] = [64, 192, 320]
const ROUNDS = 5

interface Costs {
  /** Microseconds a token. */
  readonly first: number
  readonly later: number
  readonly load: number
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const data = (file: string) => readFileSync(new URL(`../../packages/small-lm/data/${file}`, import.meta.url))
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1]

/** Costs measured in a process of its own. */
function measured(kind: string, prompt: number): Costs {
  const start = cpu()
  const model = languageModel(data('sharp.safetensors'))
  const load = cpu() - start
  const ids = model.tokenizer.encode(data('romans.txt').subarray(0, 12_000))
  using run = reader({ model, stream: KINDS[kind] })
  run.read(ids.subarray(0, prompt), 'last')
  const costs = Array.from({ length: ALL }, (_, i) => {
    const before = cpu()
    run.read(ids.subarray(prompt + i, prompt + i + 1), 'last')
    return cpu() - before
  })
  const mean = (from: number, to: number) => costs.slice(from, to).reduce((a, b) => a + b, 0) / (to - from)
  return { first: mean(0, FIRST), later: mean(WARM, ALL), load }
}

const [kind, prompt] = process.argv.slice(2)
if (kind) console.log(JSON.stringify(measured(kind, Number(prompt))))
else {
  const here = fileURLToPath(import.meta.url)
  const cells = PROMPTS.flatMap((tokens) => Object.keys(KINDS).map((name) => ({ name, tokens, all: [] as Costs[] })))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, tokens, all } of cells)
      all.push(JSON.parse(execFileSync(process.execPath, [here, name, String(tokens)], { encoding: 'utf8' })) as Costs)
  }
  const rows = cells.map(({ name, tokens, all }) => ({
    stream: name,
    prompt: tokens,
    first: median(all.map(({ first }) => first)),
    later: median(all.map(({ later }) => later)),
    ratio: median(all.map(({ first, later }) => first / later)),
    load: median(all.map(({ load }) => load)),
  }))
  console.table(rows)
  const machine = { cpu: cpus()[0].model, node: process.version, load: loadavg()[0], rounds: ROUNDS }
  const to = new URL('./result.json', import.meta.url)
  writeFileSync(to, `${JSON.stringify({ ...machine, rows }, null, 2)}\n`)
}
