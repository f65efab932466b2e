/**
 * `node evidence/balance-moments/ask.ts [name q.npy k.npy v.npy …]`: moments and coreset together (momentCoreset) against either alone, at
 * equal bytes. A minute.
 */
import {
  balanceKv,
  closureStream,
  exactAttention,
  featureStream,
  momentCoreset,
  normalise,
  taylorFeatures,
  type AttentionStream,
  type FeatureMap,
  type Shape,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { diffuseHead } from '../kit/diffuse-head.ts'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { headsOf } from '../every-head/ask.ts'
import { plot } from '../kit/plot.ts'
import { meanOf, pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'

const [N, QUERIES, CENTRE] = [3584, 512, 256]
const SHARES = [4, 8, 16, 32]
const SEEDS = [1, 2, 3]

export interface Moments {
  readonly set: string
  readonly method: string
  /** One over the share of the float32 cache; 0: what the moments alone take. */
  readonly share: number
  readonly bytes: number
  /** Mean relative Frobenius error over heads and seeds. */
  readonly error: number
  /** Share of the rows that fell back. */
  readonly fallbacks: number
}

type Maker = (shape: Shape, features: (degree: number) => FeatureMap, budget: number, seed: number) => AttentionStream

const METHODS: Readonly<Record<string, Maker>> = {
  'coreset alone': (shape, _, budget, seed) => balanceKv({ ...shape, seed, budget }),
  'moments of degree 1 + coreset': ({ dv }, features, budget, seed) =>
    momentCoreset({ features: features(1), dv, seed, budget }),
  'moments of degree 2 + coreset': ({ dv }, features, budget, seed) =>
    momentCoreset({ features: features(2), dv, seed, budget }),
}
const ALONE: Readonly<Record<string, Maker>> = {
  'moments of degree 1 alone': ({ dv }, features) => featureStream({ features: features(1), dv }),
  'moments of degree 2 alone': ({ dv }, features) => featureStream({ features: features(2), dv }),
  'Gaussian closure': (shape) => closureStream(shape),
}

export const balanceMoments: Experiment<readonly Moments[]> = {
  name: 'balance-moments',
  question: 'Are moments and a coreset better together than either alone?',
  inALine: (all) => firstSentence(balanceMoments.answer(all)),
  asks:
    'Are moments and a coreset together better than either alone, at equal bytes? Bytes are shares of the float32 cache, everything counted. Errors are relative errors of 512 queries, means over ' +
    `${SEEDS.length} seeds and the heads. Features are centred at the mean of the first ${CENTRE} keys. Brackets show the rows that fell back.`,
  run: (args) => {
    const heads = headsOf(args)
    const real = [...new Set(heads.map(model))].flatMap((name) =>
      measured(
        `${name} heads`,
        heads.filter((head) => model(head) === name),
      ),
    )
    if (args.length > 0) return real
    const diffuse = [0.25, 0.5, 1].flatMap((spread) =>
      measured(`diffuse ${spread}`, [diffuseHead(8192, QUERIES, 32, spread, 21)]),
    )
    return [...diffuse, ...real]
  },
  answer: (all) => [verdict(all), '', table(all)].join('\n'),
  all: (all) => `All captured heads:\n\n${table(all)}`,
  picture: (all) =>
    plot(
      'Relative error against bytes',
      [...new Set(all.map(({ set }) => set))].map((set) => ({
        title: set,
        x: { label: 'bytes', log: true },
        y: { label: 'relative error', log: true },
        lines: [...new Set(all.map(({ method }) => method))].map((method) => ({
          name: method,
          points: all
            .filter((one) => one.set === set && one.method === method && one.bytes > 0)
            .map(({ bytes, error }) => [bytes, error] as const),
        })),
      })),
    ),
}

const model = ({ name }: Head) => name.split(' ')[0]

/** Every method and share on the heads of one set. */
export function measured(set: string, heads: readonly Head[], seeds = SEEDS): Moments[] {
  const prepared = heads.map(({ queries: all, keys: long, values: wide }) => {
    const n = long.rows < all.rows ? long.rows : N
    const shape = { d: long.cols, dv: wide.cols, scale: 1 / Math.sqrt(long.cols) }
    const [keys, values, queries] = [rowsOf(long, 0, n), rowsOf(wide, 0, n), rowsOf(all, n, n + QUERIES)]
    const centre = meanOf(rowsOf(keys, 0, CENTRE), 1).data
    const features = (degree: number) => taylorFeatures({ d: shape.d, degree, scale: shape.scale, centre })
    return {
      keys,
      values,
      queries,
      shape,
      features,
      exact: exactAttention({ queries, keys, values, scale: shape.scale }),
    }
  })
  const cache = 4 * prepared[0].keys.rows * (prepared[0].shape.d + prepared[0].shape.dv)

  const over = (method: string, make: Maker, share: number, own: readonly number[]): Moments | undefined => {
    const budget = Math.floor(cache / (share || 1))
    let [error, fallbacks, bytes] = [0, 0, 0]
    for (const { keys, values, queries, shape, features, exact } of prepared) {
      for (const seed of own) {
        let stream: AttentionStream
        try {
          stream = make(shape, features, budget, seed)
        } catch (refused) {
          if (refused instanceof RangeError) return undefined // no room for the moments
          throw refused
        }
        stream.push({ keys, values })
        const weight = 1 / (prepared.length * own.length)
        error += weight * relativeError(normalise(stream.attend(queries)), exact)
        fallbacks += (weight * (stream.counters?.['fallbacks'] ?? 0)) / QUERIES
        bytes = stream.bytes
      }
    }
    return { set, method, share, bytes, error, fallbacks }
  }

  const sampled = (share: number): Moments => {
    let error = 0
    for (const { keys, values, queries, shape, exact } of prepared) {
      for (const seed of seeds) {
        const rows = uniformSample(keys.rows, Math.floor(keys.rows / share), seed)
        const answers = exactAttention({
          queries,
          keys: pick(keys, rows),
          values: pick(values, rows),
          scale: shape.scale,
        })
        error += relativeError(answers, exact) / (prepared.length * seeds.length)
      }
    }
    return { set, method: 'uniform sample', share, bytes: cache / share, error, fallbacks: 0 }
  }

  const shared = Object.entries(METHODS).flatMap(([method, make]) =>
    SHARES.map((share) => over(method, make, share, seeds)),
  )
  const alone = Object.entries(ALONE).map(([method, make]) => over(method, make, 0, [1]))
  return [...SHARES.map(sampled), ...shared, ...alone].filter((one) => one !== undefined)
}

function table(all: readonly Moments[]): string {
  const sets = [...new Set(all.map(({ set }) => set))]
  const cell = (set: string, method: string, share: number) => {
    const own = all.find((one) => one.set === set && one.method === method && one.share === share)
    if (!own) return '–'
    return own.error.toPrecision(3) + (own.fallbacks > 0.005 ? ` (${Math.round(100 * own.fallbacks)} %)` : '')
  }
  const methods = ['uniform sample', ...Object.keys(METHODS)]
  const alone = Object.keys(ALONE)
  return [
    `| set | method | ${SHARES.map((share) => `1/${share}`).join(' | ')} |`,
    `| --- | --- | ${SHARES.map(() => '---').join(' | ')} |`,
    ...sets.flatMap((set) => [
      ...methods.map(
        (method, i) =>
          `| ${i === 0 ? set : ''} | ${method} | ${SHARES.map((share) => cell(set, method, share)).join(' | ')} |`,
      ),
      ...alone.flatMap((method) => {
        const own = all.find((one) => one.set === set && one.method === method)
        const bytes = own ? `${(own.bytes / 1000).toFixed(0)} kB: ` : ''
        return [`|  | ${method} | ${bytes}${cell(set, method, 0)} |${' |'.repeat(SHARES.length - 1)}`]
      }),
    ]),
  ].join('\n')
}

function verdict(all: readonly Moments[]): string {
  const words = [...new Set(all.map(({ set }) => set))].map((set) => {
    const own = all.filter((one) => one.set === set)
    const together = own.filter(({ method }) => method.endsWith('+ coreset'))
    const won = together.filter(({ method, share, error }) => {
      const degree = method.includes('degree 1') ? 'degree 1' : 'degree 2'
      const coreset = own.find((one) => one.method === 'coreset alone' && one.share === share)!
      const moments = own.find((one) => one.method.includes(degree) && one.method.endsWith('alone'))!
      return error < coreset.error && error < moments.error
    })
    return `${set} ${won.length} of ${together.length}`
  })
  return `Both together have less error than the coreset of the same bytes and than their own moments alone in so many cases: ${words.join('; ')}.`
}

await main(import.meta.url, balanceMoments)
