/**
 * `node evidence/every-head/ask.ts [name q.npy k.npy v.npy …]`: error against bytes on every head of the committed sample of
 * both models, or of the captures given: 3584 tokens summarised, the next 512 queries. Writes result.json, or full.json, and
 * the tables of the page.
 */
import {
  anisotropicFeatures,
  exactAttention,
  featureStream,
  normalise,
  randomFeatures,
  taylorFeatures,
  tensorSketchFeatures,
  tiers,
  type AttentionStream,
  type FeatureMap,
  type Matrix,
  type Shape,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { capturesOf, type Head } from '../kit/captures.ts'
import { meanOf, pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { streamOf, tierOf } from '../kit/methods-named.ts'
import { mean } from '../kit/mean.ts'
import { plot } from '../kit/plot.ts'

const TOKENS = 3584
const QUERIES = 512
/** The first rows of a head: centre and pilot. */
const PILOT = 512
const SINKS = 4
const SEEDS = [1, 2, 3, 4]
/** Rows that fell back are marked from this share on. */
const MARKED = 0.01

export interface HeadRow {
  readonly method: string
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F, by head. */
  readonly errors: readonly number[]
  /** Share of the queries whose mass was not positive, or vanished, so that a lower degree answered: counted by the stream. */
  readonly fallbacks: readonly number[]
}

export interface Heads {
  readonly node: string
  readonly heads: readonly string[]
  readonly rows: readonly HeadRow[]
}

type Make = (shape: Shape, pilot: { readonly keys: Matrix; readonly queries: Matrix }) => AttentionStream

type Pilot = Parameters<Make>[1]

const taylor =
  (degree: number): Make =>
  (shape, { keys }) => {
    const { spec } = taylorFeatures({ ...shape, degree, centre: meanOf(keys, 1).data })
    return streamOf('taylor', { features: spec })(shape)
  }
const anisotropic =
  (t: number): Make =>
  (shape, { keys, queries }) => {
    const { spec } = anisotropicFeatures({ pilotKeys: keys, pilotQueries: queries, t, scale: shape.scale })
    return streamOf('anisotropic', { features: spec })(shape)
  }
/** A stack that no method of the catalogue is. */
const farBefore =
  (count: number, rest: Make): Make =>
  (shape, pilot) =>
    tiers({ ...shape, parts: [tierOf('farKeys', { count }), (own) => rest(own, pilot)] })
/** A stream of a map that no method of the catalogue has. */
const features =
  (map: (shape: Shape, pilot: Pilot) => FeatureMap): Make =>
  (shape, pilot) =>
    featureStream({ features: map(shape, pilot), dv: shape.dv })

const METHODS: Readonly<Record<string, Make>> = {
  'mean of the values, 64 newest tokens': taylor(0),
  'Taylor, degree 1': taylor(1),
  'Taylor, degree 2': taylor(2),
  'anisotropic, t = 64': anisotropic(64),
  'anisotropic, t = 256': anisotropic(256),
  'anisotropic, t = 480': anisotropic(480),
  '32 far keys + anisotropic, t = 256': farBefore(32, anisotropic(256)),
  '256 far keys + anisotropic, t = 256': farBefore(256, anisotropic(256)),
  'Gaussian closure': streamOf('closure'),
  '64 far keys + closure': streamOf('farClosure', { count: 64 }),
  '256 far keys + closure': streamOf('farClosure', { count: 256 }),
  'positive random features, t = 256': features(({ d, scale }) => randomFeatures({ d, t: 256, scale, seed: 1 })),
  'TensorSketch, degree 2, t = 256': features(({ d, scale }) =>
    tensorSketchFeatures({ d, degree: 2, t: 256, scale, seed: 1 }),
  ),
}

/** One head under every method, and under samples and windows of 13, 48 and 100 kB. */
export function measureHead({ queries, keys, values }: Head, methods = Object.keys(METHODS)) {
  const shape = { d: keys.cols, dv: values.cols, scale: 1 / Math.sqrt(keys.cols) }
  const [held, own] = [rowsOf(keys, 0, TOKENS), rowsOf(values, 0, TOKENS)]
  const asked = rowsOf(queries, TOKENS, TOKENS + QUERIES)
  const exact = exactAttention({ queries: asked, keys: held, values: own, scale: shape.scale })
  const pilot = { keys: rowsOf(keys, 0, PILOT), queries: rowsOf(queries, 0, PILOT) }
  const found = methods.map((method) => {
    const stream = METHODS[method](shape, pilot)
    stream.push({ keys: held, values: own })
    const error = relativeError(normalise(stream.attend(asked)), exact)
    const fallbacks = (stream.counters?.['fallbacks'] ?? 0) / QUERIES
    return { method, bytes: stream.bytes, error, fallbacks }
  })
  const over = (chosen: readonly number[]) =>
    relativeError(
      exactAttention({ queries: asked, keys: pick(held, chosen), values: pick(own, chosen), scale: shape.scale }),
      exact,
    )
  for (const bytes of [13_000, 48_000, 100_000]) {
    const count = Math.floor(bytes / (4 * (shape.d + shape.dv)))
    const size = `${bytes / 1000} kB`
    const uniform = SEEDS.reduce((sum, seed) => sum + over(uniformSample(TOKENS, count, seed)), 0) / SEEDS.length
    const recent = over(Array.from({ length: count }, (_, i) => (i < SINKS ? i : TOKENS - count + i)))
    found.push({ method: `uniform sample, ${size}`, bytes, error: uniform, fallbacks: 0 })
    found.push({ method: `sinks + window, ${size}`, bytes, error: recent, fallbacks: 0 })
  }
  return found
}

/** The heads of the sample, or of the captures that the arguments name: `sharp 0.1` and the like. */
export const headsOf = (args: readonly string[] = []) =>
  capturesOf(args).flatMap((model) => model.heads.map((head) => ({ ...head, name: `${model.name} ${head.name}` })))

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

const figures = ({ errors, fallbacks }: HeadRow) =>
  errors.map((error, i) => `${error.toFixed(3)}${fallbacks[i] > MARKED ? '*' : ''}`)

export function table({ heads, rows, node }: Heads): string {
  return [
    line(['held', 'bytes', ...heads]),
    line(Array.from({ length: heads.length + 2 }, () => '---')),
    ...rows.map((row) => line([row.method, `${(row.bytes / 1000).toFixed(1)} kB`, ...figures(row)])),
    '',
    `‖ô − o‖_F/‖o‖_F of the 512 queries after ${TOKENS} tokens (a float32 cache: 918 kB); answering 0 is 1. * over 1 % of the queries fell back to a lower ` +
      `degree, and were counted. Node ${node}: \`node evidence/every-head/ask.ts\`.`,
  ].join('\n')
}

/** Mean errors by layer of all captured heads. */
export function layers({ heads, rows, node }: Heads): string {
  const names = [...new Set(heads.map((head) => head.split('.')[0]))]
  const meansOf = (values: readonly number[]) =>
    names.map((name) => {
      const own = values.filter((_, i) => heads[i].startsWith(`${name}.`))
      return own.reduce((a, b) => a + b, 0) / own.length
    })
  const cells = ({ errors, fallbacks }: HeadRow) => {
    const [means, shares] = [meansOf(errors), meansOf(fallbacks)]
    return means.map(
      (mean, i) => `${mean < 10 ? mean.toFixed(3) : mean.toPrecision(2)}${shares[i] > MARKED ? '*' : ''}`,
    )
  }
  return [
    line(['held', 'bytes', ...names.map((name) => `${name}.*`)]),
    line(Array.from({ length: names.length + 2 }, () => '---')),
    ...rows.map((row) => line([row.method, `${(row.bytes / 1000).toFixed(1)} kB`, ...cells(row)])),
    '',
    `All ${heads.length} captured heads, means over the ${heads.length / names.length} of a layer, otherwise as above; every head in \`full.json\`. Node ${node}.`,
  ].join('\n')
}

export const everyHead: Experiment<Heads> = {
  name: 'every-head',
  question: 'How large is the error of every method on each head, and in how many bytes?',
  inALine({ heads, rows }) {
    const best = (model: string) => {
      const at = heads.flatMap((name, i) => (name.startsWith(model) ? [i] : []))
      const [least] = rows
        .map(({ method, errors }) => ({ method, error: mean(at.map((i) => errors[i])) }))
        .toSorted((a, b) => a.error - b.error)
      return `${least.method} has an error of ${least.error.toFixed(3)} on ${model} heads`
    }
    return `${best('bounded')}; ${best('sharp')}; these are the least of ${rows.length} methods, in their own bytes`
  },
  asks: 'How large is the error of every method on every head of the committed sample of both models, and in how many bytes? 3584 tokens are summarised, and the next 512 queries ask. Random features, TensorSketch, and far keys before monomials are made here from parts; all others are methods of the catalogue.',
  run(args) {
    const heads = headsOf(args)
    const columns = heads.map((head) => measureHead(head))
    const rows: HeadRow[] = columns[0].map(({ method }, i) => ({
      method,
      bytes: Math.max(...columns.map((column) => column[i].bytes)),
      errors: columns.map((column) => column[i].error),
      fallbacks: columns.map((column) => column[i].fallbacks),
    }))
    return { node: process.version, heads: heads.map(({ name }) => name), rows }
  },
  answer: table,
  all: layers,
  picture: ({ heads, rows }) =>
    plot(
      'Error against bytes, mean over four heads',
      ['bounded', 'sharp'].map((model) => {
        const at = heads.flatMap((name, i) => (name.startsWith(model) ? [i] : []))
        return {
          title: `${model} heads`,
          x: { label: 'bytes', log: true },
          y: { label: 'relative error', most: 1.5 },
          lines: rows.map(({ method, bytes, errors }) => ({
            name: method,
            points: [[bytes, mean(at.map((i) => errors[i]))] as const],
          })),
        }
      }),
    ),
}

await main(import.meta.url, everyHead)
