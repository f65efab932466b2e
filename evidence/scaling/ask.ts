/**
 * `node evidence/scaling/ask.ts`: what summaries of large models' heads would take, by calculation from the sizes that the
 * packages publish. Nothing is run.
 */
import { closureStream, degreeFor, featureDimension, recoveryRows } from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { logLogPlot } from '../kit/plot.ts'

/** Shapes of common decoders: layers, heads that keep keys and values, and their width. */
const MODELS = {
  'this repository, 4 layers': { layers: 4, kvHeads: 4, d: 32 },
  '8 billion parameters, grouped': { layers: 32, kvHeads: 8, d: 128 },
  '32 billion parameters, grouped': { layers: 64, kvHeads: 8, d: 128 },
  '7 billion parameters, all heads': { layers: 32, kvHeads: 32, d: 128 },
} as const

const LENGTHS = [131_072, 1_000_000, 10_000_000]

export interface Scaling {
  readonly model: string
  readonly d: number
  /** Bytes of the whole model's float16 cache, by tokens. */
  readonly cache: Readonly<Record<string, number>>
  /** Bytes of one summary a kv-head, all heads together, and the tokens from which on that is less than a float16 cache. */
  readonly closure: { readonly bytes: number; readonly from: number }
  readonly farKeys1024AndClosure: { readonly bytes: number; readonly from: number }
  readonly degree2: { readonly bytes: number; readonly from: number }
  /** Features that a certified relative error of 0.1 takes where centred scores stay within R. */
  readonly certified: Readonly<Record<string, { readonly degree: number; readonly t: number | null }>>
  /** Rows of Φ for the 64 largest outputs of a column at the longest length, and bytes of ΦD⁻¹U₁ at degree 2, a head. */
  readonly columns: { readonly m: number; readonly bytes: number }
}

export const scalingToModels: Experiment<readonly Scaling[]> = {
  name: 'scaling',
  question: 'How many bytes would summaries of the heads of large models take, by calculation?',
  inALine: (models) => firstSentence(scalingToModels.answer(models)),
  asks:
    'How many bytes would large models take? This is the third open question of the paper, answered by calculation. Bytes are those of the whole model, with all layers and key-value heads; in brackets is the number of tokens from ' +
    'which on this is less than its float16 cache. t is the number of features for a certified relative error of 0.1, if centred scores stay within R.',
  run: scaling,
  answer(models) {
    return [
      `Memory is no obstacle, but a certificate is: a closure for each head is smaller than the cache from ${models.at(-1)!.closure.from} tokens on, but a certified polynomial takes ` +
        `${count(models.at(-1)!.certified['R = 4'].t!)} features a head at R = 4. We do not know the error of an uncertified summary on a large model's heads. The last column is the ` +
        'sketch of the queries alone, for one head, for the 64 largest outputs of each column among 10⁷ queries at degree 2.',
      '',
      `| model | cache at ${LENGTHS.map((n) => n.toLocaleString('en-US')).join(' | ')} | closures | 1024 far keys + closures | degree 2 | t, R = 1 | R = 4 | R = 8 | ΦD⁻¹U₁ |`,
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...models.map(({ model, cache, closure, farKeys1024AndClosure, degree2, certified, columns }) => {
        const held = [closure, farKeys1024AndClosure, degree2].map(
          ({ bytes, from }) => `${size(bytes)} (${from.toLocaleString('en-US')})`,
        )
        const sizes = Object.values(certified).map(({ t }) => (t === null ? '> 2^53' : count(t)))
        const caches = LENGTHS.map((n) => size(cache[String(n)]))
        return `| ${model} | ${[...caches, ...held, ...sizes, size(columns.bytes)].join(' | ')} |`
      }),
    ].join('\n')
  },
  picture(models) {
    const [small, large] = [2 ** 10, 10_000_000]
    const { model, cache, closure, farKeys1024AndClosure, degree2 } = models[1]
    const flat = (name: string, bytes: number) => ({
      name,
      points: [[small, bytes / 1e9] as const, [large, bytes / 1e9] as const],
    })
    const token = cache[String(large)] / large
    return logLogPlot(
      `GB held by tokens, a model of ${model}`,
      [
        {
          name: 'float16 cache',
          points: [
            [small, (small * token) / 1e9],
            [large, (large * token) / 1e9],
          ],
        },
        flat('degree 2', degree2.bytes),
        flat('1024 far keys + closure a head', farKeys1024AndClosure.bytes),
        flat('closure a head', closure.bytes),
      ],
      '',
    )
  },
}

const size = (bytes: number) =>
  bytes >= 1e12
    ? `${(bytes / 1e12).toPrecision(2)} TB`
    : bytes >= 1e9
      ? `${rounded(bytes / 1e9)} GB`
      : `${rounded(bytes / 1e6)} MB`
const rounded = (x: number) => String(Number(x.toPrecision(x < 10 ? 2 : 3)))
const count = (t: number) => (t < 1e5 ? t.toLocaleString('en-US') : t.toExponential(0))

export function scaling(): Scaling[] {
  return Object.entries(MODELS).map(([model, { layers, kvHeads, d }]) => {
    const heads = layers * kvHeads
    const token = 4 * d // a key and a value in float16
    const sized = (bytes: number) => ({ bytes: bytes * heads, from: Math.ceil(bytes / token) })
    const stream = closureStream({ d, dv: d, scale: 1 / Math.sqrt(d) })
    const closure = stream.bytes
    stream[Symbol.dispose]()
    const t = featureDimension(d, 2)
    const m = recoveryRows({ n: LENGTHS.at(-1)!, k: 64, epsilon: 0.5 })
    return {
      model,
      d,
      cache: Object.fromEntries(LENGTHS.map((n) => [n, n * token * heads])),
      closure: sized(closure),
      farKeys1024AndClosure: sized(closure + 1024 * 4 * (2 * d + 2)),
      degree2: sized(4 * t * d + 8 * t),
      certified: Object.fromEntries(
        [1, 4, 8].map((radius) => {
          const degree = degreeFor({ radius, epsilon: 0.1, kind: 'minimax' })
          const size = sizeOf(d, degree)
          return [`R = ${radius}`, { degree, t: size }]
        }),
      ),
      columns: { m, bytes: 4 * m * t },
    }
  })
}

/** null where there are more than 2^53 monomials. */
function sizeOf(d: number, degree: number): number | null {
  try {
    return featureDimension(d, degree)
  } catch {
    return null
  }
}

await main(import.meta.url, scalingToModels)
