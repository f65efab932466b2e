/**
 * `node evidence/what-takes-the-rest/ask.ts [--text <text> | name q.npy k.npy v.npy …]`: what should take the tokens that far keys in few
 * bits let go? At equal bytes, head by head, the best bits and shares of each rest with hindsight. Ten minutes for all heads of a text.
 */
import {
  closureStream,
  exactAttention,
  meanStream,
  momentCoreset,
  normalise,
  quantised,
  taylorFeatures,
  tiers,
  type AttentionStream,
  type Matrix,
  type Shape,
  type StreamSpec,
} from '@sublinear/attention'
import { clusters, farKeys, farKeysMethod, reservoir } from '@sublinear/kv-cache'
import { halvingCache, softmaxBalance } from '@sublinear/balance-kv'
import { largestWithin, rowsOf } from '@sublinear/core'
import { closureMethod, meanMethod } from '@sublinear/streaming-attention'
import { waitingBytes } from '@sublinear/token-store'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'
import { meanOf, relativeError } from '../kit/trivial-answers.ts'
import { capturesNamed } from '../kit/text-captures.ts'

const [TOKENS, QUERIES, CENTRE] = [3584, 512, 256]
/** At 1/4 all tokens have room in 8 and 6 bits: no rest has anything to do. */
const SHARES = [7, 16, 32]
const BITS = [
  [6, 4],
  [5, 3],
] as const
/** Shares of the budget, for rests that take as much as they are given. */
const PARTS = [0.1, 0.3, 0.6]
const SEED = 1
const TRAFFIC = { tokens: TOKENS }
/** Bytes by which moments and coreset differ from head to head, the numbers of their centre being written out. */
const SPARED = 512

/** Rests that the adviser's stacks know; others are tried beside them. */
const KNOWN = ['mean', 'closure', 'clusters'] as const
const NEW = ['reservoir', 'halvingCache', 'momentCoreset'] as const
const RESTS = [...KNOWN, ...NEW]
type Rest = (typeof RESTS)[number]

export interface RestRow {
  readonly model: string
  readonly rest: Rest
  /** Share of the cache, as its inverse. */
  readonly share: number
  /** The most that any head held. */
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F by head, by the best bits and part of the head. */
  readonly errors: readonly number[]
}

export interface Rests {
  readonly heads: number
  readonly rows: readonly RestRow[]
}

export const rests: Experiment<Rests> = {
  name: 'what-takes-the-rest',
  question: 'What should take the tokens that far keys let go?',
  inALine: ({ rows }) =>
    [...new Set(rows.map(({ model }) => model))]
      .map((model) => {
        const [least] = rows
          .filter((row) => row.model === model && row.share === 16)
          .map(({ rest, errors }) => ({ rest, error: mean(errors) }))
          .toSorted((a, b) => a.error - b.error)
        return `on ${model} heads at 1/16 of the cache a ${least.rest} (error ${least.error.toFixed(3)})`
      })
      .join('; '),
  asks:
    `What should take the tokens that far keys in few bits let go? Streams take ${TOKENS} tokens of a head and answer the next ${QUERIES} queries; everything held is within the share of the ` +
    `float32 cache. The error is ‖ô − o‖_F/‖o‖_F, mean over the heads. For each head each rest has the best of 6/4 and 5/3 bits, with hindsight. If a rest can use any number of bytes, it has the best of ` +
    `${PARTS.join(', ')} of them. halvingCache takes the greedy walk, and momentCoreset moments of ` +
    'degree 1; a reservoir is the sample that halvings should beat. At 1/4 all tokens have room in 8 and 6 bits.',
  run: (args) => measured(capturesNamed(args, TOKENS + QUERIES)),
  answer: (result) => `These are the ${result.heads} heads of a model in the sample:\n\n${table(result)}`,
  texts: (found) =>
    [
      ...found.map(({ text, result }) => `All ${result.heads} heads over ${titled(text)}:\n\n${table(result)}`),
      'Brackets show on how many heads a rest is the best of all. The last three rows choose the best rest of each head with hindsight.',
    ].join('\n\n'),
  picture: (result) =>
    plot(
      'Relative error of far keys in few bits by what takes the rest',
      modelsOf(result).map((model) => ({
        title: `${model} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: 1.5 },
        lines: RESTS.map((rest) => ({
          name: rest,
          dashed: rest === 'reservoir',
          points: SHARES.map((share) => [share, chosen(result, model, share).means[rest]] as const),
        })),
      })),
    ),
}

interface Given {
  readonly bytes: number
  readonly buffer: number
  /** Mean of the first keys. */
  readonly centre: Float32Array
}

const token = ({ d, dv }: Shape) => 4 * (d + dv)

/** Makers of the rests: those with one size take no part of the budget, the others what they are given. */
const MAKE: Readonly<Record<Rest, (given: Given) => StreamSpec>> = {
  mean:
    ({ buffer }) =>
    (shape) =>
      meanStream({ ...shape, buffer }),
  closure:
    ({ buffer }) =>
    (shape) =>
      closureStream({ ...shape, buffer }),
  clusters:
    ({ bytes }) =>
    (shape) =>
      clusters({ count: Math.floor(bytes / (token(shape) + 16)) })(shape),
  reservoir:
    ({ bytes }) =>
    (shape) =>
      reservoir({ count: Math.floor(bytes / (token(shape) + 16)), seed: SEED })(shape),
  halvingCache:
    ({ bytes }) =>
    (shape) => {
      const halving = softmaxBalance({ mode: 'greedy', seed: SEED })
      const least = 2 * (token(shape) + 8) + halving.spec.length + 64
      return halvingCache({ target: Math.floor((bytes - least) / (4 * token(shape) + 32)), halving })(shape)
    },
  momentCoreset:
    ({ bytes, centre }) =>
    ({ d, dv, scale }) =>
      momentCoreset({ features: taylorFeatures({ d, degree: 1, scale, centre }), dv, seed: SEED, budget: bytes }),
}
const HAS_ONE_SIZE = new Set<Rest>(['mean', 'closure'])

/** The most that a rest holds: by its formula, or what it is given. */
const HELD: Readonly<Record<Rest, (shape: Shape, given: Omit<Given, 'centre'>) => number>> = {
  mean: (shape, { buffer }) => meanMethod.bytes(shape, { buffer }, TRAFFIC),
  closure: (shape, { buffer }) => closureMethod.bytes(shape, { buffer }, TRAFFIC),
  clusters: (_, { bytes }) => bytes,
  reservoir: (_, { bytes }) => bytes,
  halvingCache: (_, { bytes }) => bytes,
  momentCoreset: (_, { bytes }) => bytes,
}

/** Far keys in these bits and a rest that takes this part of the budget; undefined where there is no room for it. */
function stackOf(
  rest: Rest,
  [keyBits, valueBits]: (typeof BITS)[number],
  part: number,
  { shape, budgetBytes, centre }: { shape: Shape; budgetBytes: number; centre: Float32Array },
): AttentionStream | undefined {
  const buffer = Math.min(64, Math.max(4, Math.floor(budgetBytes / 64 / token(shape))))
  const given = { bytes: Math.floor(part * budgetBytes), buffer: buffer >> 1 }
  const store = quantised({ keyBits, valueBits })
  const left = budgetBytes - HELD[rest](shape, given) - waitingBytes(shape, buffer, false)
  const bytes = (count: number) => farKeysMethod.tierBytes(shape, { count, store }, TRAFFIC, buffer)
  const count = largestWithin(bytes, left, { most: TOKENS })
  const spared = rest === 'momentCoreset' ? SPARED : 0
  try {
    const last = MAKE[rest]({ ...given, bytes: given.bytes - spared, centre })
    return count === undefined ? undefined : tiers({ ...shape, parts: [farKeys({ count, store }), last], buffer })
  } catch (error) {
    if (error instanceof RangeError) return undefined // no room for the moments
    throw error
  }
}

/** The best that a rest comes to on a head. */
export function ofHead(head: Head, share: number, rests: readonly Rest[] = RESTS) {
  const shape = { d: head.keys.cols, dv: head.values.cols, scale: 1 / Math.sqrt(head.keys.cols) }
  const budgetBytes = Math.floor((token(shape) * TOKENS) / share)
  const [keys, values] = [rowsOf(head.keys, 0, TOKENS), rowsOf(head.values, 0, TOKENS)] as [Matrix, Matrix]
  const queries = rowsOf(head.queries, TOKENS, TOKENS + QUERIES)
  const exact = exactAttention({ queries, keys, values, scale: shape.scale })
  const centre = meanOf(rowsOf(keys, 0, CENTRE), 1).data
  const best = (rest: Rest) => {
    let found = { error: Infinity, bytes: 0 }
    for (const bits of BITS) {
      for (const part of HAS_ONE_SIZE.has(rest) ? [0] : PARTS) {
        const stream = stackOf(rest, bits, part, { shape, budgetBytes, centre })
        if (!stream) continue
        stream.push({ keys, values })
        const error = relativeError(normalise(stream.attend(queries)), exact)
        if (stream.bytes > budgetBytes) throw new RangeError(`rests: ${rest} holds ${stream.bytes} of ${budgetBytes}`)
        if (error < found.error) found = { error, bytes: stream.bytes }
      }
    }
    return found
  }
  return Object.fromEntries(rests.map((rest) => [rest, best(rest)])) as Record<Rest, { error: number; bytes: number }>
}

function measured(captures: ReturnType<typeof capturesNamed>): Rests {
  const rows = captures.flatMap(({ name, heads }) =>
    SHARES.flatMap((share) => {
      const found = heads.map((head) => ofHead(head, share))
      console.error(`${name}, 1/${share}`)
      return RESTS.map((rest) => ({
        model: name,
        rest,
        share,
        bytes: Math.max(...found.map((one) => one[rest].bytes)),
        errors: found.map((one) => one[rest].error),
      }))
    }),
  )
  return { heads: captures[0].heads.length, rows }
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length

/** Choices at one model and share: the means, the least of each head among some rests, and how often one of them is that. */
export function chosen({ rows }: Rests, model: string, share: number) {
  const at = (rest: Rest) => rows.find((row) => row.rest === rest && row.model === model && row.share === share)!.errors
  const heads = at('mean').map((_, h) => h)
  const least = (rests: readonly Rest[]) => heads.map((h) => Math.min(...rests.map((rest) => at(rest)[h])))
  const all = least(RESTS)
  return {
    means: Object.fromEntries(RESTS.map((rest) => [rest, mean(at(rest))])) as Record<Rest, number>,
    times: Object.fromEntries(
      RESTS.map((rest) => [rest, heads.filter((h) => at(rest)[h] === all[h]).length]),
    ) as Record<Rest, number>,
    known: mean(least(KNOWN)),
    withHalving: mean(least([...KNOWN, 'halvingCache'])),
    withMoments: mean(least([...KNOWN, 'momentCoreset'])),
  }
}

const modelsOf = ({ rows }: Rests) => [...new Set(rows.map(({ model }) => model))]
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const titled = (text: string) => text[0].toUpperCase() + text.slice(1)

function table(result: Rests): string {
  const columns = modelsOf(result).flatMap((model) =>
    SHARES.map((share) => ({ name: `${model}, 1/${share}`, ...chosen(result, model, share) })),
  )
  const best = (label: string, of: 'known' | 'withHalving' | 'withMoments') =>
    line([label, ...columns.map((column) => column[of].toFixed(4))])
  return [
    line(['rest', ...columns.map(({ name }) => name)]),
    line(['---', ...columns.map(() => '---')]),
    ...RESTS.map((rest) =>
      line([rest, ...columns.map(({ means, times }) => `${means[rest].toFixed(3)} (${times[rest]})`)]),
    ),
    best('best of mean, closure, clusters', 'known'),
    best('or halvingCache', 'withHalving'),
    best('or momentCoreset', 'withMoments'),
  ].join('\n')
}

await main(import.meta.url, rests)
