/**
 * `node evidence/low-rank/ask.ts [name q.npy k.npy v.npy …]`: how near U₁U₂ᵀ comes to exp(scale·QKᵀ), beside the best matrix
 * of the same rank: Gaussian queries and keys, and captured heads, every 16th of their 4096 tokens. Half a minute.
 */
import { anisotropicFeatures, featureDimension, matrix, taylorFeatures, type Matrix } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { sketchKernels } from '@sublinear/kernels'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { headsOf } from '../every-head/ask.ts'
import { againstBest, type AgainstBest } from './against-best.ts'
import { plot, type Line } from '../kit/plot.ts'
import { meanOf, pick } from '../kit/trivial-answers.ts'

const [N, STRIDE, PILOT] = [192, 16, 512]
const RANKS = [16, 33, 64, 128]

export interface Synthetic extends AgainstBest {
  readonly d: number
  /** Standard deviation of the scores. */
  readonly spread: number
  readonly degree: number
}

export interface HeadRank extends AgainstBest {
  readonly head: string
  readonly by: string
}

export interface LowRank {
  readonly synthetic: readonly Synthetic[]
  readonly heads: readonly HeadRank[]
}

export const lowRank: Experiment<LowRank> = {
  name: 'low-rank',
  question: 'How close is U₁U₂ᵀ to exp(scale·QKᵀ)?',
  inALine: (result) => firstSentence(lowRank.answer(result)),
  asks:
    `How close is U₁U₂ᵀ to A = exp(scale·QKᵀ), and to the best matrix of its rank? The numbers are ‖A − U₁U₂ᵀ‖_F/‖A‖_F, and in brackets the least error that rank t allows. ` +
    `First come Gaussian queries and keys, n = ${N}. Then come the sample's heads, d = 32, every ${STRIDE}th token, with the mean of the first ${PILOT} keys subtracted, ` +
    'for A and for P, which is A with its rows divided by their sums. Numbers are means over the heads.',
  run: (args) => ({ synthetic: args.length > 0 ? [] : syntheticRows(), heads: headsOf(args).flatMap(rowsOfHead) }),
  answer({ synthetic, heads }) {
    const spreads = [...new Set(synthetic.map(({ spread }) => spread))]
    const widths = [...new Set(synthetic.map(({ d }) => d))]
    const degrees = [...new Set(synthetic.map(({ degree }) => degree))]
    const at = (d: number, spread: number, degree: number) => {
      const found = synthetic.find((one) => one.d === d && one.spread === spread && one.degree === degree)
      return found ? `${figure(found.features)} (${figure(found.best)})` : '–'
    }
    return [
      `On Gaussian scores Taylor features of degrees 1 and 2 have ${ratios(synthetic, 0.3)} times the least error at deviation 0.3, and ` +
        `${ratios(synthetic, 1)} times at deviation 1: the few large entries, which dominate the norm, need high degrees.`,
      '',
      `| Gaussian | ${degrees.map((degree) => `degree ${degree}`).join(' | ')} |`,
      `| --- | ${degrees.map(() => '---').join(' | ')} |`,
      ...widths.flatMap((d) =>
        spreads.map(
          (spread) =>
            `| d = ${d}, deviation ${spread} | ${degrees.map((degree) => at(d, spread, degree)).join(' | ')} |`,
        ),
      ),
      '',
      headTable(heads),
      '',
      `On real heads single large entries dominate A (scores reach 357 on the sharp ones), so a matrix of low rank is close to it and no polynomial is. ` +
        `Attention uses P: with ${4096 / STRIDE} rows, the best matrix of rank 64 is off by ${sharesAt(heads, 'bestRows')}, and the features are off by ${sharesAt(heads, 'rows')}. ` +
        'Rows of Ã whose sum is not positive are counted; a stream answers them by a lower even degree. (0) means that there are as many features as rows.',
    ].join('\n')
  },
  all: ({ heads }) => `All ${new Set(heads.map(({ head }) => head)).size} captured heads:\n\n${headTable(heads)}`,
  picture({ synthetic, heads }) {
    const line = (d: number, of: 'features' | 'best', colour: number): Line => ({
      name: `${of === 'best' ? 'best of rank t' : 'Taylor'}, d = ${d}`,
      dashed: of === 'best',
      colour,
      points: synthetic
        .filter((one) => one.d === d && one.spread === 1 && one[of] > 1e-7)
        .map((one) => [one.t, one[of]] as const),
    })
    const share = (model: string, by: string, of: 'rows' | 'bestRows', colour: number, name: string): Line => ({
      name,
      dashed: of === 'bestRows',
      colour,
      points: RANKS.map((t) => {
        const own = heads.filter((one) => one.head.startsWith(model) && one.t === t && one.by.startsWith(by))
        return [t, mean(own.map((one) => one[of]))] as const
      }),
    })
    return plot('Relative Frobenius error against the rank t', [
      {
        title: 'A, Gaussian, deviation 1',
        x: { label: 't', log: true },
        y: { label: 'relative error', log: true },
        lines: [2, 4, 8].flatMap((d, i) => [line(d, 'features', i), line(d, 'best', i)]),
      },
      ...['bounded', 'sharp'].map((model) => ({
        title: `P, ${model} heads`,
        x: { label: 't', log: true },
        y: { label: '', log: true, most: 10 },
        lines: [
          share(model, 'anisotropic', 'rows', 3, 'anisotropic, heads'),
          share(model, 'anisotropic', 'bestRows', 3, 'best of rank t, heads'),
        ],
      })),
    ])
  },
}

export function syntheticRows(widths: readonly number[] = [2, 4, 8]): Synthetic[] {
  return widths.flatMap((d) =>
    [0.3, 1].flatMap((spread) => {
      const scale = spread / Math.sqrt(d)
      const degrees = [1, 2, 3, 4, 6].filter((degree) => featureDimension(d, degree) < N)
      const maps = degrees.map((degree) => taylorFeatures({ d, degree, scale }))
      return againstBest(normals(d, 1), normals(d, 2), scale, maps).map((one, i) => ({
        d,
        spread,
        degree: degrees[i],
        ...one,
      }))
    }),
  )
}

export function rowsOfHead({ name, queries, keys }: Head): HeadRank[] {
  const scale = 1 / Math.sqrt(keys.cols)
  const [pilotKeys, pilotQueries] = [rowsOf(keys, 0, PILOT), rowsOf(queries, 0, PILOT)]
  const centre = meanOf(pilotKeys, 1).data
  const d = keys.cols
  const maps = Object.entries({
    ...Object.fromEntries(
      [1, 2].map((degree) => [`Taylor, degree ${degree}`, taylorFeatures({ d, degree, scale, centre })]),
    ),
    ...Object.fromEntries(
      RANKS.map((t) => [`anisotropic, t = ${t}`, anisotropicFeatures({ pilotKeys, pilotQueries, t, scale })]),
    ),
  })
  const every = (from: number) => Array.from({ length: keys.rows / STRIDE }, (_, i) => from + i * STRIDE)
  const found = againstBest(
    pick(queries, every(STRIDE - 1)),
    pick(keys, every(0)),
    scale,
    maps.map(([, map]) => map),
  )
  return found.map((one, i) => ({ head: name, by: maps[i][0], ...one }))
}

/** Over the least error, least and largest at degrees 1 and 2. */
function ratios(synthetic: readonly Synthetic[], wanted: number): string {
  const found = synthetic.filter(({ spread, degree }) => spread === wanted && degree <= 2)
  const all = found.map(({ features, best }) => features / best)
  return `${Number(Math.min(...all).toPrecision(2))} to ${Number(Math.max(...all).toPrecision(2))}`
}

/** Text of the mean shares at 64 anisotropic features, by model. */
function sharesAt(heads: readonly HeadRank[], key: 'rows' | 'bestRows'): string {
  return ['bounded', 'sharp']
    .map((model) => {
      const own = heads.filter(({ head, by, t }) => head.startsWith(model) && t === 64 && by.startsWith('anisotropic'))
      return `${figure(mean(own.map((one) => one[key])))} (${model})`
    })
    .join(' and ')
}

function headTable(heads: readonly HeadRank[]): string {
  const models = [...new Set(heads.map(({ head }) => head.split(' ')[0]))]
  const methods = [...new Set(heads.map(({ by }) => by))]
  return [
    `| heads | ${models.map((model) => `${model}: A | P | rows not positive`).join(' | ')} |`,
    `| --- | ${models.map(() => '--- | --- | ---').join(' | ')} |`,
    ...methods.map((by) => {
      const cells = models.map((model) => {
        const own = heads.filter((one) => one.by === by && one.head.startsWith(`${model} `))
        const of = (key: keyof AgainstBest) => figure(mean(own.map((one) => one[key])))
        return `${of('features')} (${of('best')}) | ${of('rows')} (${of('bestRows')}) | ${of('negative')}`
      })
      return `| ${by} | ${cells.join(' | ')} |`
    }),
  ].join('\n')
}

function normals(d: number, stream: number): Matrix {
  const out = matrix(N, d)
  sketchKernels().normalColumns(out.data, [7, 7], stream, 0, N, d, 1)
  return out
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const figure = (x: number) => (x === 0 ? '0' : x > 10 ? '> 10' : x < 0.001 ? x.toExponential(0) : x.toFixed(3))

await main(import.meta.url, lowRank)
