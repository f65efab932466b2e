/** A process of its own for one measurement: `node child.ts <exact | window> <tokens read before>` prints what tokens cost. */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { exactStream, type StreamSpec } from '@sublinear/attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { languageModel, reader } from '@sublinear/small-lm'

export const KINDS: Readonly<Record<string, StreamSpec>> = {
  exact: exactStream,
  window: (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
}
const [FIRST, WARM, ALL] = [64, 192, 320]

export interface Costs {
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

if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url)
  console.log(JSON.stringify(measured(process.argv[2], Number(process.argv[3]))))
