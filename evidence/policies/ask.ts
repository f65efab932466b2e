/**
 * `node evidence/policies/ask.ts [--text <text>]`: the policies of kv-cache, coresets, and every token in few bits, each alone,
 * on the committed sample of both models, or on all heads over a held-out text: 3584 tokens, the next 512 queries, at four shares of the
 * float32 cache. A minute; five for a text.
 */
import {
  balanceKv,
  exactAttention,
  momentCoreset,
  normalise,
  taylorFeatures,
  type AttentionStream,
  type Shape,
} from '@sublinear/attention'
import { largestWithin, rowsOf, type Method } from '@sublinear/core'
import { bestBits, type Judged } from '../kit/best-bits.ts'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment, type TextResult } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'
import { methodsNamed } from '../kit/methods-named.ts'
import { meanOf, pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'
import { capturesNamed } from '../kit/text-captures.ts'

const [TOKENS, QUERIES] = [3584, 512]
const SHARES = [4, 7, 16, 32]
const SEEDS = [1, 2, 3, 4]
/** First keys, whose mean is the centre of moments. */
const CENTRE = 256
export const [MEAN, UNIFORM] = ['mean of the values', 'uniform sample'] as const
/** Bytes from which moments of degree 2 have room at d = dv = 32, with a few tokens beside them. */
const LEAST_DEGREE_2 = 100_000
export const EVERY: string = 'every token, best bits'

export interface PolicyRow {
  readonly model: string
  readonly method: string
  /** Share of the cache, as its inverse. */
  readonly share: number
  /** The most that any head held; within the share, but for pyramidKv, which holds as much on average over the layers. */
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F by head; null where nothing fits. */
  readonly errors: readonly (number | null)[]
}

export interface Policies {
  readonly heads: number
  readonly rows: readonly PolicyRow[]
}

/** Policies that hold so many tokens. */
const POLICIES = methodsNamed('window', 'streamingLlm', 'h2o', 'tova', 'snapKv', 'reservoir', 'farKeys', 'clusters')
const [SNAP_KV, PYRAMID_KV] = methodsNamed('snapKv', 'pyramidKv') as [Method, Method]

export const policies: Experiment<Policies> = {
  name: 'policies',
  question: 'Which single cache policy keeps the best tokens?',
  inALine: ({ rows }) =>
    [...new Set(rows.map(({ model }) => model))]
      .map((model) => {
        const best = [4, 16].map((share) => {
          const [least] = rows
            .flatMap((row) => {
              const error = meanError(row)
              return row.model === model && row.share === share && error !== undefined
                ? [{ method: row.method, error }]
                : []
            })
            .toSorted((a, b) => a.error - b.error)
          return `${least.method} at 1/${share} of the cache (error ${least.error.toFixed(3)})`
        })
        const known = ['streamingLlm', 'h2o', 'snapKv'].map((name) => {
          const row = rows.find((one) => one.model === model && one.share === 16 && one.method === name)!
          return `${name} ${meanError(row)!.toFixed(3)}`
        })
        return `${model} heads: ${best.join(', ')}, where ${known.join(', ')}`
      })
      .join('; '),
  asks:
    `How far off are answers of each policy alone, at equal bytes? Policies take ${TOKENS} tokens of a head, with their queries if they learn from them, and then the ` +
    `next ${QUERIES} queries ask. The error is ‖ô − o‖_F/‖o‖_F, mean over the heads; answering zero has error 1. No rest is behind the policies. Everything held counts, ` +
    'including the buffer (an eighth of the budget, at most 64 tokens). All options have their defaults, and nothing is tuned. momentCoreset has the better of degree 1 and 2, and “every ' +
    'token” the best bits that fit, for each head with hindsight.',
  run: (args) => measured(capturesNamed(args, TOKENS + QUERIES), args.length > 0),
  answer: (result) =>
    `${policyTable(result)}\n\nErrors are means over the ${result.heads} heads of a model in the sample. The least of each column is bold. The references are the mean of all ` +
    'values and a uniform sample in the same bytes (mean over 4 seeds). A dash means that nothing fits.',
  all: (full) =>
    `These are all ${full.heads} captured heads. pyramidKv gives the layers different budgets with the same sum, so it is measured only where all layers are:\n\n${policyTable(full)}`,
  texts: (found) =>
    [
      textsTable(found),
      ...found.map(({ text, result }) => `All ${result.heads} heads over ${titled(text)}:\n\n${policyTable(result)}`),
    ].join('\n\n'),
  picture: (result) =>
    plot(
      'Relative error of the policies against the share of the cache',
      [...new Set(result.rows.map(({ model }) => model))].map((model) => ({
        title: `${model} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: 1.5 },
        lines: [...new Set(result.rows.map(({ method }) => method))].map((method) => ({
          name: method,
          dashed: method === MEAN || method === UNIFORM,
          points: result.rows.flatMap((row) => {
            const error = meanError(row)
            return row.model === model && row.method === method && error !== undefined
              ? [[row.share, error] as const]
              : []
          }),
        })),
      })),
    ),
}

const titled = (text: string) => text[0].toUpperCase() + text.slice(1)

/** Undefined where any head has no result. */
export const meanError = ({ errors }: Pick<PolicyRow, 'errors'>): number | undefined =>
  errors.includes(null) ? undefined : mean(errors as readonly number[])

/** All heads over all texts. */
export function textsTable(found: readonly TextResult<Policies>[]): string {
  const rows = found[0].result.rows.map((row) => ({
    ...row,
    errors: found.flatMap(
      ({ result }) =>
        result.rows.find(
          ({ model, method, share }) => model === row.model && method === row.method && share === row.share,
        )!.errors,
    ),
  }))
  const { heads } = found[0].result
  return (
    `${policyTable({ heads, rows })}\n\nMean over the ${heads} heads of a model over ${found.map(({ text }) => titled(text)).join(' and ')}. The least of a column in bold; – nothing fits. ` +
    'momentCoreset and “every token” have the best degree and bits of each head with hindsight.'
  )
}

export function policyTable({ rows }: Policies): string {
  const models = [...new Set(rows.map(({ model }) => model))]
  const columns = models.flatMap((model) => SHARES.map((share) => ({ model, share })))
  const at = (method: string, { model, share }: (typeof columns)[number]) =>
    meanError(rows.find((row) => row.method === method && row.model === model && row.share === share)!)
  const methods = [...new Set(rows.map(({ method }) => method))]
  const least = columns.map((column) => Math.min(...methods.map((method) => at(method, column) ?? Infinity)))
  return [
    `| policy | ${columns.map(({ model, share }) => `${model}, 1/${share}`).join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...methods.map(
      (method) => `| ${method} | ${columns.map((column, i) => cell(at(method, column), least[i])).join(' | ')} |`,
    ),
  ].join('\n')
}

const cell = (error: number | undefined, best: number) =>
  error === best ? `**${error.toFixed(3)}**` : (error?.toFixed(3) ?? '–')

function measured(captures: ReturnType<typeof capturesNamed>, hasAllLayers: boolean): Policies {
  const rows = captures.flatMap(({ name, heads }) =>
    SHARES.flatMap((share) => {
      const results = new Map<string, Judged[]>()
      const layers = 1 + Math.max(...heads.map((head) => layerOf(head)))
      for (const head of heads) {
        for (const [method, found] of Object.entries(ofHead(head, share, hasAllLayers ? layers : 0)))
          results.set(method, [...(results.get(method) ?? []), found])
      }
      console.error(`${name}, 1/${share}`)
      return [...results].map(([method, found]) => ({
        model: name,
        method,
        share,
        bytes: Math.max(...found.map(({ bytes }) => bytes)),
        errors: found.map(({ error }) => error),
      }))
    }),
  )
  return { heads: captures[0].heads.length, rows }
}

/** Error and bytes of these methods on one head; of pyramidKv where the layers are known. */
export function ofHead(head: Head, share: number, layers = 0, methods?: readonly string[]): Record<string, Judged> {
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const [keys, values, own] = [head.keys, head.values, head.queries].map((rows) => rowsOf(rows, 0, TOKENS)) as [
    Head['keys'],
    Head['keys'],
    Head['keys'],
  ]
  const queries = rowsOf(head.queries, TOKENS, TOKENS + QUERIES)
  const exact = exactAttention({ queries, keys, values, scale: shape.scale })
  const budget = Math.floor((4 * (d + dv) * TOKENS) / share)
  const most = Math.floor(budget / (4 * (d + dv)))

  const judged = (stream: AttentionStream & Disposable, learns = false): Judged => {
    if (learns) stream.step({ keys, values }, own)
    else stream.push({ keys, values })
    const found = { error: relativeError(normalise(stream.attend(queries)), exact), bytes: stream.bytes }
    stream[Symbol.dispose]()
    return found
  }
  const alone = (method: Method, options: object) =>
    judged(method.make(shape, options) as AttentionStream & Disposable, method.learns !== 'nothing')
  const sampled = (seed: number) => {
    const chosen = uniformSample(TOKENS, most, seed)
    const over = { queries, keys: pick(keys, chosen), values: pick(values, chosen), scale: shape.scale }
    return relativeError(exactAttention(over), exact)
  }
  const found: Record<string, () => Judged> = {
    [MEAN]: () => ({ error: relativeError(meanOf(values, QUERIES), exact), bytes: 4 * dv }),
    [UNIFORM]: () => ({ error: mean(SEEDS.map(sampled)), bytes: budget }),
  }
  for (const method of POLICIES) found[method.name] = () => alone(method, optionsOf(method, shape, budget, most))
  if (layers > 0) {
    const place = { layers, layer: layerOf(head) }
    found[PYRAMID_KV.name] = () => alone(PYRAMID_KV, { ...optionsOf(SNAP_KV, shape, budget, most), ...place })
  }
  found['balanceKv'] = () => judged(balanceKv({ ...shape, seed: 1, budget }))
  found['momentCoreset'] = () => {
    const centre = meanOf(rowsOf(keys, 0, CENTRE), 1).data
    const of = (degree: number) =>
      judged(
        momentCoreset({ features: taylorFeatures({ d, degree, scale: shape.scale, centre }), dv, seed: 1, budget }),
      )
    const first = of(1)
    if (budget < LEAST_DEGREE_2) return first
    const second = of(2)
    return second.error! < first.error! ? second : first
  }
  found[EVERY] = () => bestBits(shape, TOKENS, budget, judged)
  return Object.fromEntries(
    Object.entries(found)
      .filter(([method]) => methods?.includes(method) ?? true)
      .map(([method, of]) => [method, of()]),
  )
}

const bufferFor = (most: number) => Math.min(64, 2 ** Math.max(0, Math.floor(Math.log2(most / 8))))
/** One token more than those that stay anyway. */
const LEAST = new Map([
  ['streamingLlm', 5],
  ['snapKv', 2],
])
const layerOf = ({ name }: Head) => Number(name.split('.')[0])

/** Methods that draw at random. */
const SEEDED: ReadonlySet<string> = new Set(['reservoir'])

function optionsOf(method: Method, shape: Shape, budget: number, most: number) {
  const options = (count: number) => ({
    count,
    buffer: bufferFor(most),
    ...(SEEDED.has(method.name) && { seed: SEEDS[0] }),
  })
  const bytes = (count: number) => method.bytes(shape, options(count), { tokens: TOKENS })
  return options(largestWithin(bytes, budget, { least: LEAST.get(method.name) ?? 1, most })!)
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length

await main(import.meta.url, policies)
