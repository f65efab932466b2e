/**
 * `pnpm --filter @sublinear/experiments run policies [name q.npy k.npy v.npy …]`: the policies of kv-cache on the committed sample of both
 * models, or the captures given: 3584 tokens stepped through, the next 512 queries, at four shares of the float32 cache. A minute.
 */
import {
  clusters,
  exactAttention,
  farKeys,
  h2o,
  normalise,
  pyramidKv,
  reservoir,
  rowsOf,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  type AttentionStream,
  type Shape,
  type TierSpec,
} from '@sublinear/attention'
import { capturesOf, type Head } from './captures.ts'
import { main, type Experiment } from './experiment.ts'
import { plot } from './plot.ts'
import { meanOf, pick, relativeError, uniformSample } from './references.ts'

const [TOKENS, QUERIES] = [3584, 512]
const SHARES = [4, 7, 16, 32]
const SEEDS = [1, 2, 3, 4]
const [MEAN, UNIFORM] = ['mean of the values', 'uniform sample']

export interface PolicyRow {
  readonly model: string
  readonly method: string
  /** Of the cache, its inverse. */
  readonly share: number
  /** Held after all tokens, mean over the heads; never more than the share. */
  readonly bytes: number
  /** Mean over the heads of ‖ô − o‖_F/‖o‖_F. */
  readonly error: number
}

export interface Policies {
  readonly heads: number
  readonly rows: readonly PolicyRow[]
}

type Make = (count: number) => TierSpec

const POLICIES: Readonly<Record<string, Make>> = {
  window: (count) => window({ count }),
  streamingLlm: (count) => streamingLlm({ count }),
  h2o: (count) => h2o({ count }),
  tova: (count) => tova({ count }),
  snapKv: (count) => snapKv({ count }),
  reservoir: (count) => reservoir({ count, seed: 1 }),
  farKeys: (count) => farKeys({ count }),
  clusters: (count) => clusters({ count }),
}

export const policies: Experiment<Policies> = {
  name: 'policies',
  asks:
    `What do the policies of kv-cache keep of the answers, at equal bytes? ${TOKENS} tokens of a head stepped through, then the next ${QUERIES} queries over them: ` +
    'mean over the heads of ‖ô − o‖_F/‖o‖_F; answering zero is 1. Every policy alone, with nothing behind it; bytes are everything held, ' +
    'buffer included (an eighth of the budget, at most 64 tokens); defaults as they are, nothing tuned.',
  run: (args) => measured(capturesOf(args), args.length > 0),
  answer: (result) =>
    `${policyTable(result)}\n\nMean over the ${result.heads} heads of a model in the sample. The least of a column in bold; the references are the mean of all ` +
    'values and a uniform sample in the same bytes (mean over 4 seeds).',
  all: (full) =>
    `All ${full.heads} heads of a model; pyramidKv, whose layers have other budgets and the same in all, is measured there alone:\n\n${policyTable(full)}`,
  picture: ({ rows }) =>
    plot(
      'Relative error of the policies against the share of the cache',
      [...new Set(rows.map(({ model }) => model))].map((model) => ({
        title: `${model} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: 1.5 },
        lines: [...new Set(rows.map(({ method }) => method))].map((method) => ({
          name: method,
          dashed: method === MEAN || method === UNIFORM,
          points: rows
            .filter((row) => row.model === model && row.method === method)
            .map(({ share, error }) => [share, error] as const),
        })),
      })),
    ),
}

export function policyTable({ rows }: Policies): string {
  const models = [...new Set(rows.map(({ model }) => model))]
  const columns = models.flatMap((model) => SHARES.map((share) => ({ model, share })))
  const at = (method: string, { model, share }: (typeof columns)[number]) =>
    rows.find((row) => row.method === method && row.model === model && row.share === share)!.error
  const methods = [...new Set(rows.map(({ method }) => method))]
  const least = columns.map((column) => Math.min(...methods.map((method) => at(method, column))))
  return [
    `| policy | ${columns.map(({ model, share }) => `${model}, 1/${share}`).join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...methods.map(
      (method) => `| ${method} | ${columns.map((column, i) => cell(at(method, column), least[i]!)).join(' | ')} |`,
    ),
  ].join('\n')
}

const cell = (error: number, best: number) => (error === best ? `**${error.toFixed(3)}**` : error.toFixed(3))

function measured(captures: ReturnType<typeof capturesOf>, hasAllLayers: boolean): Policies {
  const rows = captures.flatMap(({ name, heads }) =>
    SHARES.flatMap((share) => {
      const results = new Map<string, { error: number; bytes: number }[]>()
      const layers = 1 + Math.max(...heads.map((head) => layerOf(head)))
      for (const head of heads) {
        for (const [method, found] of Object.entries(ofHead(head, share, hasAllLayers ? layers : 0)))
          results.set(method, [...(results.get(method) ?? []), found])
      }
      return [...results].map(([method, found]) => ({
        model: name,
        method,
        share,
        bytes: mean(found.map(({ bytes }) => bytes)),
        error: mean(found.map(({ error }) => error)),
      }))
    }),
  )
  return { heads: captures[0]!.heads.length, rows }
}

/** Error and bytes of every method on one head; of pyramidKv where the layers are known. */
export function ofHead(head: Head, share: number, layers = 0): Record<string, { error: number; bytes: number }> {
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const [keys, values, own] = [head.keys, head.values, head.queries].map((rows) => rowsOf(rows, 0, TOKENS)) as [
    Head['keys'],
    Head['keys'],
    Head['keys'],
  ]
  const queries = rowsOf(head.queries, TOKENS, TOKENS + QUERIES)
  const exact = exactAttention({ queries, keys, values, scale: shape.scale })
  const budget = (4 * (d + dv) * TOKENS) / share
  const most = Math.floor(budget / (4 * (d + dv)))

  const stepped = (make: TierSpec): AttentionStream => {
    const stream = tiers({ ...shape, parts: [make], buffer: bufferFor(most) })
    stream.step({ keys, values }, own)
    return stream
  }
  const judged = (stream: AttentionStream) => ({
    error: relativeError(normalise(stream.attend(queries)), exact),
    bytes: stream.bytes,
  })
  const over = (chosen: readonly number[]) =>
    relativeError(
      exactAttention({ queries, keys: pick(keys, chosen), values: pick(values, chosen), scale: shape.scale }),
      exact,
    )
  const uniform = mean(SEEDS.map((seed) => over(uniformSample(TOKENS, most, seed))))
  const found: Record<string, { error: number; bytes: number }> = {
    [MEAN]: { error: relativeError(meanOf(values, QUERIES), exact), bytes: 4 * dv },
    [UNIFORM]: { error: uniform, bytes: budget },
  }
  for (const [method, make] of Object.entries(POLICIES))
    found[method] = judged(stepped(make(countFor(method, shape, budget, most))))
  if (layers > 0) {
    const count = countFor('snapKv', shape, budget, most)
    found['pyramidKv'] = judged(stepped(pyramidKv({ layers, layer: layerOf(head), count })))
  }
  return found
}

const bufferFor = (most: number) => Math.min(64, 2 ** Math.max(0, Math.floor(Math.log2(most / 8))))
const layerOf = ({ name }: Head) => Number(name.split('.')[0])

const counts = new Map<string, number>()

/** The most tokens with which a policy stays within its bytes: a matter of sizes alone, so measured once, on zeros. */
function countFor(method: string, shape: Shape, budget: number, most: number): number {
  const key = `${method} ${budget}`
  const known = counts.get(key)
  if (known !== undefined) return known
  const zeros = { rows: 2 * most + 128, cols: shape.d, data: new Float32Array((2 * most + 128) * shape.d) }
  const values = { rows: zeros.rows, cols: shape.dv, data: new Float32Array(zeros.rows * shape.dv) }
  let [low, high] = [2, most]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const stream = tiers({ ...shape, parts: [POLICIES[method]!(middle)], buffer: bufferFor(most) })
    stream.step({ keys: zeros, values }, zeros)
    if (stream.bytes <= budget) low = middle
    else high = middle - 1
  }
  counts.set(key, low)
  return low
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length

await main(import.meta.url, policies)
