/**
 * `node evidence/long-sums/ask.ts`: 2^28 tokens pushed one after another, constant ones and ones that change slowly, into the streams that sum
 * up; their answers against sums in float64. Times are CPU time.
 */
import { cpus } from 'node:os'
import { innerProduct, sketch } from '@sublinear/core'
import { closureStream, featureStream, meanStream, normalise, matrix, taylorFeatures } from '@sublinear/attention'
import { amsSketch, countSketch } from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { markdownTable } from '../kit/markdown.ts'

const LOG2_N = 28
const BLOCK = 2 ** 16
const d = 1
const shape = { d, dv: 1, scale: 1 }
const query = matrix(1, d, Float32Array.of(0.5))

/** Keys and values of the tokens from `first` on. Slow ones go up by a half, and wave a little. */
const kinds = {
  constant: { key: () => 0.3, value: () => 0.1 },
  slow: {
    key: (x: number, i: number) => 0.3 + 0.05 * x + 0.02 * ((i * 0.618033988749895) % 1),
    value: (x: number, i: number) => 0.1 + 0.05 * x + 0.02 * ((i * 0.7548776662466927) % 1),
  },
}

/** Sums of polynomial attention of degree 2 and of moments in float64. */
function truths(n: number) {
  let [mass, sum, k, kk, v, kv] = [0, 0, 0, 0, 0, 0]
  const q = query.data[0]
  return {
    add(key: number, value: number) {
      const s = q * key
      const share = 1 + s + (s * s) / 2
      mass += share
      sum += share * value
      k += key
      kk += key * key
      v += value
      kv += key * value
    },
    read: () => {
      const [mean, meanValue] = [k / n, v / n]
      // The closure: the mean of the values and the covariance with the score.
      return {
        feature: sum / mass,
        closure: meanValue + q * (kv / n - mean * meanValue),
        mean: meanValue,
        spread: kk / n - mean * mean,
      }
    },
  }
}

interface SumRow {
  readonly stream: string
  readonly tokens: string
  readonly n: number
  readonly error: number
  readonly bytes: number
  readonly nanoseconds?: number
}

interface LongSums {
  readonly cpu: string
  readonly node: string
  readonly rows: readonly SumRow[]
}

function sums(n: number): SumRow[] {
  const rows: SumRow[] = []
  for (const [kind, { key, value }] of Object.entries(kinds)) {
    const streams = {
      feature: featureStream({ features: taylorFeatures({ d, degree: 2, scale: 1 }), dv: 1 }),
      closure: closureStream(shape),
      mean: meanStream(shape),
    }
    const truth = truths(n)
    const keys = matrix(BLOCK, d)
    const values = matrix(BLOCK, 1)
    const spent: Record<string, number> = {}
    for (let first = 0; first < n; first += BLOCK) {
      for (let i = 0; i < BLOCK; i++) {
        keys.data[i] = key((first + i) / n, first + i)
        values.data[i] = value((first + i) / n, first + i)
        truth.add(keys.data[i], values.data[i])
      }
      for (const [name, stream] of Object.entries(streams)) {
        const before = process.cpuUsage()
        stream.push({ keys, values })
        const { user, system } = process.cpuUsage(before)
        spent[name] = (spent[name] ?? 0) + user + system
      }
    }
    const want = truth.read()
    for (const [name, stream] of Object.entries(streams)) {
      const got = normalise(stream.attend(query)).data[0]
      const right = want[name as keyof typeof streams]
      rows.push({
        stream: name,
        tokens: kind,
        n,
        error: Math.abs(got / right - 1),
        bytes: stream.bytes,
        nanoseconds: (1000 * spent[name]) / n,
      })
      console.error(rows.at(-1))
    }
  }

  // Ψ·A of two columns, the same rows as above: what AᵀA is estimated to be in float32 against the same sketch in float64.
  for (const [name, psi, most] of [
    ['countSketch', countSketch({ m: 64, seed: 1 }), n],
    ['amsSketch', amsSketch({ m: 16, seed: 1 }), n],
  ] as const) {
    for (const [kind, { key, value }] of Object.entries(kinds)) {
      const [single, double] = (['f32', 'f64'] as const).map((precision) => sketch(psi, 2, { precision }))
      const block = matrix(BLOCK, 2)
      for (let first = 0; first < most; first += BLOCK) {
        for (let i = 0; i < BLOCK; i++) {
          block.data[2 * i] = key((first + i) / n, first + i)
          block.data[2 * i + 1] = value((first + i) / n, first + i)
        }
        single.push(block)
        double.push(block)
      }
      const [got, right] = [single, double].map((one) => innerProduct(one, one).data)
      const error = Math.max(...got.map((x, i) => Math.abs(x - right[i]) / Math.sqrt(right[0] * right[3])))
      rows.push({ stream: name, tokens: kind, n: most, error, bytes: single.bytes })
      console.error(rows.at(-1))
    }
  }
  return rows
}

export const longSums: Experiment<LongSums> = {
  name: 'long-sums',
  question: 'Do sums stay right over 2²⁸ tokens?',
  inALine({ rows }) {
    const worst = (isSketch: boolean) =>
      Math.max(...rows.filter(({ stream }) => stream.endsWith('Sketch') === isSketch).map(({ error }) => error))
    return `sums of streams do, within ${worst(false).toPrecision(1)}; sketches in float32 drift by up to ${worst(true).toPrecision(1)}, and with \`precision: 'f64'\` they do not`
  },
  asks: 'Do sums stay right over 2²⁸ tokens, both constant tokens and tokens that change slowly? Errors are relative errors of answers against sums in float64, and of sketches against the same sketch in float64. Times are CPU times.',
  run: ([log2]) => ({ cpu: cpus()[0].model, node: process.version, rows: sums(2 ** Number(log2 ?? LOG2_N)) }),
  file: (args) => (args.length > 0 ? undefined : 'result.json'),
  answer: ({ cpu, node, rows }) =>
    [
      markdownTable(
        ['sum', 'tokens', 'relative error', 'bytes', 'ns a token'],
        rows.map((row) => [
          row.stream,
          row.tokens,
          row.error.toExponential(1),
          row.bytes,
          row.nanoseconds?.toFixed(0) ?? '–',
        ]),
      ),
      '',
      `${cpu}, Node ${node}.`,
    ].join('\n'),
}

await main(import.meta.url, longSums)
