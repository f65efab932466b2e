/**
 * `node evidence/context-length/ask.ts`: n from 10⁴ to 10⁷ at fixed memory. Gaussian keys of width 8, scores of standard deviation
 * 0.7, values smooth in the keys; error on 256 queries against exact attention, computed in blocks. Three minutes.
 */
import {
  anisotropicFeatures,
  closureStream,
  exactStream,
  featureStream,
  normalise,
  taylorFeatures,
  type AttentionStream,
} from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { source, type Configuration } from '../plan-predictions/configurations.ts'
import { logLogPlot } from '../kit/plot.ts'

const QUERIES = 256
const BLOCK = 4096
const d = 8
const dv = 8

export interface Length {
  readonly n: number
  readonly method: string
  readonly bytes: number
  readonly cacheBytes: number
  readonly error: number
  /** CPU µs a token, pushed in blocks of 4096. */
  readonly micros: number
}

export const contextLength: Experiment<readonly Length[]> = {
  name: 'context-length',
  question: 'Does memory stay constant as the text grows, and the error with it?',
  inALine: (result) => firstSentence(contextLength.answer(result)),
  asks:
    `How long may a context be? This is the first open question of the paper. n goes from 10⁴ to 10⁷ at fixed memory, and the error is ‖ô − o‖_F/‖o‖_F of ${QUERIES} queries over all tokens. ` +
    'Keys are Gaussian, d = dv = 8, scores have standard deviation 0.7, and values are smooth functions of the keys.',
  run: () => [1e4, 1e5, 1e6, 1e7].flatMap((n) => measured(n)),
  answer(result) {
    const { methods, lengths, at } = byMethod(result)
    const changes = methods.map((method) => {
      const errors = lengths.map((n) => at(method, n).error)
      return Math.max(...errors) / Math.min(...errors) - 1
    })
    const [first, last] = [lengths[0], lengths.at(-1)!].map((n) => megabytes(at(methods[0], n).cacheBytes))
    return [
      `A context may have any length if the distribution of its tokens does not change: from 10⁴ to 10⁷ tokens no error changes by more than ${(100 * Math.max(...changes)).toFixed(1)} % ` +
        `of itself, while a float32 cache grows from ${first} to ${last}. The paper's abstract says that the error shrinks with n; it does not. On captured heads it grows ` +
        'a little with n and depends on the head: [fixed memory](../fixed-memory/README.md). Bytes are those at the longest text: from 65,536 tokens on, feature states also hold the rounding errors of their sums.',
      '',
      `| | bytes | ${lengths.map((n) => `n = 10^${Math.log10(n)}`).join(' | ')} | µs a token |`,
      `| --- | --- | ${lengths.map(() => '---').join(' | ')} | --- |`,
      ...methods.map((method) => {
        const { bytes, micros } = at(method, lengths.at(-1)!)
        const errors = lengths.map((n) => at(method, n).error.toFixed(4))
        return `| ${method} | ${(bytes / 1000).toFixed(1)} kB | ${errors.join(' | ')} | ${micros.toFixed(2)} |`
      }),
    ].join('\n')
  },
  picture(result) {
    const { methods, lengths, at } = byMethod(result)
    const lines = methods.map((method) => ({
      name: `${method}, ${Number((at(method, lengths.at(-1)!).bytes / 1000).toPrecision(2))} kB`,
      points: lengths.map((n) => [n, at(method, n).error] as const),
    }))
    return logLogPlot('error against tokens, at fixed memory', lines, '')
  },
}

function byMethod(result: readonly Length[]) {
  return {
    methods: [...new Set(result.map(({ method }) => method))],
    lengths: [...new Set(result.map(({ n }) => n))],
    at: (method: string, n: number) => result.find((one) => one.method === method && one.n === n)!,
  }
}

const megabytes = (bytes: number) => `${Number((bytes / 1e6).toPrecision(2))} MB`

export function measured(n: number): Length[] {
  const shape: Configuration = { seed: 21, n, d, dv, spread: 0.7, decay: 1, values: 'smooth', epsilon: 0.1 }
  const { scale, ...tokens } = source(shape, 0)
  const pilot = source(shape, 1)
  const { keys } = pilot.tokens(0, 512)
  const centre = Float32Array.from({ length: d }, (_, c) => {
    let sum = 0
    for (let r = 0; r < keys.rows; r++) sum += keys.data[r * d + c]
    return sum / keys.rows
  })
  const aniso = anisotropicFeatures({ pilotKeys: keys, pilotQueries: pilot.queries(512), t: 256, scale })
  const streams: Record<string, AttentionStream & Disposable> = {
    closure: closureStream({ d, dv, scale }),
    'Taylor, degree 2': featureStream({ features: taylorFeatures({ d, degree: 2, scale, centre }), dv }),
    'anisotropic, t = 256': featureStream({ features: aniso, dv }),
    'Taylor, degree 4': featureStream({ features: taylorFeatures({ d, degree: 4, scale, centre }), dv }),
  }
  const queries = tokens.queries(QUERIES)
  const exact = new Float64Array(QUERIES * dv)
  const mass = new Float64Array(QUERIES)
  const spent = new Map<string, number>()
  for (let first = 0; first < n; first += BLOCK) {
    const block = tokens.tokens(first, Math.min(BLOCK, n - first))
    const part = exactStream({ d, dv, scale })
    part.push(block)
    const { max, mass: own, sum } = part.attend(queries)
    part[Symbol.dispose]()
    for (let r = 0; r < QUERIES; r++) {
      const unit = Math.exp(max[r]) // scores are mild
      mass[r] += own[r] * unit
      for (let c = 0; c < dv; c++) exact[r * dv + c] += sum.data[r * dv + c] * unit
    }
    for (const [name, stream] of Object.entries(streams)) {
      const start = process.cpuUsage()
      stream.push(block)
      const { user, system } = process.cpuUsage(start)
      spent.set(name, (spent.get(name) ?? 0) + user + system)
    }
  }
  return Object.entries(streams).map(([method, stream]) => {
    const answers = normalise(stream.attend(queries)).data
    let [off, norm] = [0, 0]
    for (let i = 0; i < exact.length; i++) {
      const truth = exact[i] / mass[Math.floor(i / dv)]
      off += (answers[i] - truth) ** 2
      norm += truth ** 2
    }
    const { bytes } = stream
    stream[Symbol.dispose]()
    return {
      n,
      method,
      bytes,
      cacheBytes: 4 * n * (d + dv),
      error: Math.sqrt(off / norm),
      micros: spent.get(method)! / n,
    }
  })
}

await main(import.meta.url, contextLength)
