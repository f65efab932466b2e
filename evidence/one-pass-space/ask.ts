/**
 * `node evidence/one-pass-space/ask.ts`: space against error of the sketching phase of Algorithm 1, row answers, beside a
 * uniform sample of the same bytes, the same sample moved by the exact mean of V, and the exact feature state. A minute.
 */
import { normalise, onePass, osnap, polynomialAttention, taylorFeatures, type Matrix } from '@sublinear/attention'
import { random, softmaxOracle } from '@sublinear/laws'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { logLogPlot, type Line } from '../kit/plot.ts'

const [n, d, dv, asked, seeds] = [16_384, 4, 4, 256, 5]
const scale = 1 / d
const features = taylorFeatures({ d, degree: 4, scale }) // t = 70
const [queries, keys] = [random(asked, d, 1), random(n, d, 2)]
const tanh = keys.data.map((x) => Math.tanh(3 * x))
const settings: Record<string, Matrix> = {
  'V = tanh(3K)': { rows: n, cols: dv, data: tanh },
  'V = 1 + tanh(3K)': { rows: n, cols: dv, data: tanh.map((x) => 1 + x) },
  'V = noise': random(n, dv, 3),
}

type Kind = 'plain' | 'controlVariate' | 'sample' | 'sampleMoved'

interface Point extends Readonly<Record<Kind, number>> {
  readonly m: number
  readonly bytes: number
  /** Tokens of a sample of as many bytes; where that is all of them, its errors are given as 0. */
  readonly sampleSize: number
}

interface Setting {
  readonly name: string
  /** Errors of answering 0, and the mean of V. */
  readonly zero: number
  readonly uniform: number
  readonly exactState: { readonly bytes: number; readonly error: number }
  readonly points: readonly Point[]
}

export interface OnePassSpace {
  readonly n: number
  readonly d: number
  readonly t: number
  readonly results: readonly Setting[]
}

const KINDS: Readonly<Record<Kind, string>> = {
  plain: 'sketches',
  controlVariate: 'with the control variate',
  sample: 'uniform sample',
  sampleMoved: 'sample moved by the mean',
}

export const onePassSpace: Experiment<OnePassSpace> = {
  name: 'one-pass-space',
  question: 'How does the error of the sketches of Algorithm 1 fall with their bytes?',
  inALine: (result) => firstSentence(onePassSpace.answer(result)),
  asks:
    `How does the error of the sketching phase fall with its bytes? Algorithm 1 gives row answers to ${asked} dense queries, with n = ${n}, d = dv = ${d}, degree 4 (t = 70) and OSNAP of 8. ` +
    `The error is the rms relative error over ${seeds} seeds. For comparison there are a uniform sample of the same bytes, and that sample moved by the exact mean of V.`,
  run: () => ({
    n,
    d,
    dv,
    degree: 4,
    t: features.t,
    queries: asked,
    seeds,
    psi: 'osnap/8',
    results: Object.entries(settings).map(([name, values]) => measured(name, values)),
  }),
  answer({ results }) {
    const all = results.flatMap(({ points }) => points)
    const gains = all.map(({ plain, controlVariate }) => plain / controlVariate)
    const won = all.filter(({ sample, controlVariate }) => sample > controlVariate).length
    const lost = all.filter(({ sampleMoved, controlVariate }) => sampleMoved > 0 && sampleMoved < controlVariate).length
    const compared = all.filter(({ sample }) => sample > 0).length
    const exact = results.map(({ exactState }) => exactState.error)
    return [
      `The control variate makes the error ${Math.min(...gains).toFixed(1)} to ${Math.max(...gains).toFixed(1)} times smaller. With it the sketches are better than a uniform sample of equal bytes in ${won} of ${compared} ` +
        `cases, and worse than one moved by the mean of V in ${lost}. The exact feature state takes ${results[0].exactState.bytes} bytes and has an error of ${Math.min(...exact).toExponential(0)} to ${Math.max(...exact).toExponential(0)}.`,
      '',
      `| V | m₂ | bytes | ${Object.values(KINDS).join(' | ')} | mean of V | exact state |`,
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...results.flatMap(({ name, points, uniform, exactState }) =>
        points.map((point) => {
          const cells = (Object.keys(KINDS) as Kind[]).map((kind) => (point[kind] === 0 ? '–' : point[kind].toFixed(3)))
          const size = `${Math.round(point.bytes / 1000)} kB`
          return `| ${name.slice(4)} | ${point.m} | ${size} | ${cells.join(' | ')} | ${uniform.toFixed(3)} | ${exactState.error.toExponential(0)} |`
        }),
      ),
    ].join('\n')
  },
  picture({ results }) {
    const first = results[0]
    const line = (kind: Kind): Line => ({
      name: KINDS[kind],
      points: first.points.filter((point) => point[kind] > 0).map((point) => [point.bytes, point[kind]]),
    })
    return logLogPlot(`Algorithm 1, ${first.name}, n = ${n}, d = ${d}: relative error of row answers by bytes held`, [
      ...(Object.keys(KINDS) as Kind[]).map(line),
      { name: 'exact feature state', points: [[first.exactState.bytes, first.exactState.error]] },
    ])
  },
}

function measured(name: string, values: Matrix): Setting {
  const truth = softmaxOracle(queries, keys, values, scale, () => n)
  const error = (got: ArrayLike<number>) => relative(got, truth)
  const means = meansOf(values)
  const points = [64, 256, 1024, 4096].map((m) => {
    const run = (seed: number, controlVariate: boolean) => {
      const stream = onePass({ features, dv, psi: osnap({ m, nonzeros: 8, seed }), controlVariate })
      stream.pushKeys(keys)
      stream.pushValues(values)
      return { bytes: stream.bytes, error: error(normalise(stream.attend(queries)).data) }
    }
    const { bytes } = run(0, true)
    const size = Math.min(n, Math.floor(bytes / (4 * (d + dv))))
    const sampled = (seed: number, moved: boolean) => {
      const order = random(n, 1, seed + 100).data
      const chosen = Array.from(order.keys())
        .toSorted((a, b) => order[a] - order[b])
        .slice(0, size)
      const [some, theirs] = [pick(keys, chosen), pick(values, chosen)]
      const shift = moved ? meansOf(theirs).map((mean, c) => means[c] - mean) : means.map(() => 0)
      return error(softmaxOracle(queries, some, theirs, scale, () => size).map((x, i) => x + shift[i % dv]))
    }
    return {
      m,
      bytes,
      sampleSize: size,
      plain: overSeeds((seed) => run(seed, false).error),
      controlVariate: overSeeds((seed) => run(seed, true).error),
      sample: size < n ? overSeeds((seed) => sampled(seed, false)) : 0,
      sampleMoved: size < n ? overSeeds((seed) => sampled(seed, true)) : 0,
    }
  })
  const uniform = error(Float64Array.from(truth, (_, i) => means[i % dv]))
  const exact = error(polynomialAttention({ queries, keys, values, features }).data)
  return { name, zero: 1, uniform, exactState: { bytes: 4 * features.t * dv + 8 * features.t, error: exact }, points }
}

function relative(got: ArrayLike<number>, truth: Float64Array): number {
  let [off, all] = [0, 0]
  for (const [i, x] of truth.entries()) [off, all] = [off + (got[i] - x) ** 2, all + x * x]
  return Math.sqrt(off / all)
}

/** Root mean square over the seeds. */
function overSeeds(once: (seed: number) => number): number {
  return rms(Array.from({ length: seeds }, (_, seed) => once(seed)))
}

function rms(errors: readonly number[]): number {
  return Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length)
}

function meansOf({ rows, cols, data }: Matrix): number[] {
  return Array.from({ length: cols }, (_, c) => data.reduce((sum, x, i) => sum + (i % cols === c ? x : 0), 0) / rows)
}

function pick({ cols, data }: Matrix, chosen: readonly number[]): Matrix {
  const out = new Float32Array(chosen.length * cols)
  for (const [r, j] of chosen.entries()) out.set(data.subarray(j * cols, (j + 1) * cols), r * cols)
  return { rows: chosen.length, cols, data: out }
}

await main(import.meta.url, onePassSpace)
