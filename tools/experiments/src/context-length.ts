/**
 * `pnpm --filter @sublinear/experiments run context-length`: n from 10⁴ to 10⁷ at fixed memory. Gaussian keys of width 8, scores of standard deviation
 * 0.7, values smooth in the keys; error on 256 queries against exact attention, computed in blocks. Writes results/context-length.json and .svg.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  anisotropicFeatures,
  closureStream,
  exactStream,
  featureStream,
  normalise,
  taylorFeatures,
  type AttentionStream,
} from '@sublinear/attention'
import { fourDigits } from './four-digits.ts'
import { source, type Configuration } from './plan/configurations.ts'
import { logLogPlot } from './plot.ts'

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

export function measured(n: number): Length[] {
  const shape: Configuration = { seed: 21, n, d, dv, spread: 0.7, decay: 1, values: 'smooth', epsilon: 0.1 }
  const { scale, ...tokens } = source(shape, 0)
  const pilot = source(shape, 1)
  const { keys } = pilot.tokens(0, 512)
  const centre = Float32Array.from({ length: d }, (_, c) => {
    let sum = 0
    for (let r = 0; r < keys.rows; r++) sum += keys.data[r * d + c]!
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
      const unit = Math.exp(max[r]!) // scores are mild
      mass[r]! += own[r]! * unit
      for (let c = 0; c < dv; c++) exact[r * dv + c]! += sum.data[r * dv + c]! * unit
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
      const truth = exact[i]! / mass[Math.floor(i / dv)]!
      off += (answers[i]! - truth) ** 2
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = [1e4, 1e5, 1e6, 1e7].flatMap((n) => measured(n))
  writeFileSync(
    new URL('../results/context-length.json', import.meta.url),
    `${JSON.stringify(result, fourDigits, 1)}\n`,
  )
  const methods = [...new Set(result.map(({ method }) => method))]
  const lines = methods.map((method) => ({
    name: `${method}, ${Number((result.find((one) => one.method === method)!.bytes / 1000).toPrecision(2))} kB`,
    points: result.filter((one) => one.method === method).map(({ n, error }): [number, number] => [n, error]),
  }))
  writeFileSync(
    new URL('../results/context-length.svg', import.meta.url),
    logLogPlot('error against tokens, at fixed memory', lines, ''),
  )
  for (const one of result) console.log(JSON.stringify(one, fourDigits))
}
