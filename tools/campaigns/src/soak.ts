import { catalogue, layer, normalise, openStream, restoreLayer } from '@sublinear/attention'
import { speculate, type Layer, type Method } from '@sublinear/core'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { held, slope, type Held } from './held.ts'
import { randomOf, type Random } from './random.ts'
import { SHAPE } from './streams.ts'

const [HEADS, ROWS, BUDGET] = [16, 16, 12_000]
const { d, dv, scale } = SHAPE
/** Tokens after which a layer is reset: the soak measures bounded memory, and exact streams grow. */
const MOST_TOKENS = 800

/** Result of a soak, as it is committed. */
export interface Soak {
  readonly minutes: number
  readonly cpu: string
  readonly load: number
  readonly methods: Record<string, Soaked>
  /**
   * Each part of the memory after a collection, when all layers are empty: MiB at a dozen times and, over the second half, the growth in MB an hour
   * by least squares and the largest less the least.
   */
  readonly held: Record<keyof Held, { readonly mib: number[]; readonly slope: number; readonly spread: number }>
  readonly rounds: number
  readonly tokens: number
  /** Twins, restarted from a snapshot, that were compared, and those whose bytes differed. */
  readonly twins: number
  readonly differ: number
}
interface Soaked {
  tokens: number
  twins: number
  differ: number
  /** Largest error of the mass-weighted answers of exact streams against float64. Methods other than exact approximate, so they are not compared. */
  error?: number
}
interface Soaking {
  readonly method: Method
  live: Layer
  twin: Layer
  readonly seen: { readonly keys: Float32Array[]; readonly values: Float32Array[] }
}

/** Runs layers of 16 heads of each method in turn, with snapshots, forks and trials, for the given minutes. */
export async function main([minutes = '10', out, only]: readonly string[]): Promise<number> {
  const until = Date.now() + Number(minutes) * 60_000
  const random = randomOf('a soak')
  const pilot = { queries: random.matrix(96, d), keys: random.matrix(96, d), values: random.matrix(96, dv) }
  const all: Soaking[] = catalogue.flatMap((method) => {
    if (only && method.name !== only) return []
    const bounded = method.within(SHAPE, BUDGET, { tokens: 4000, weighted: false }, pilot)
    const options = method.name === 'exact' ? {} : bounded
    if (options === undefined) return []
    const make = () => layer({ queryHeads: HEADS, kvHeads: HEADS, make: () => method.make(SHAPE, options) })
    return [{ method, live: make(), twin: make(), seen: { keys: [], values: [] } }]
  })
  const methods: Record<string, Soaked> = Object.fromEntries(
    all.map(({ method }) => [method.name, { tokens: 0, twins: 0, differ: 0 }]),
  )
  const times: number[] = []
  const points: Held[] = []
  let rounds = 0
  while (Date.now() < until) {
    for (const one of all) {
      take(one, random, methods[one.method.name])
      if (rounds % 8 === 7) compare(one, methods[one.method.name])
    }
    rounds++
    await new Promise((resolve) => setImmediate(resolve)) // finalizers run between tasks
    if ((rounds * ROWS) % MOST_TOKENS === 0) {
      times.push(Date.now())
      points.push(await held())
      process.stderr.write(`${rounds} rounds, ${told(points.at(-1)!)}\n`)
    }
  }
  const sum = (of: (one: Soaked) => number) => Object.values(methods).reduce((total, one) => total + of(one), 0)
  const result: Soak = {
    minutes: Number(minutes),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    load: Math.round(loadavg()[0] * 10) / 10,
    rounds,
    tokens: sum(({ tokens }) => tokens),
    twins: sum(({ twins }) => twins),
    differ: sum(({ differ }) => differ),
    held: series(times, points),
    methods,
  }
  console.log(JSON.stringify({ ...result, methods: undefined }))
  if (out) writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`)
  return result.differ > 0 ? 1 : 0
}

/** Runs a round: tokens by push, by step and on trial, a fork that is dropped, a snapshot. The twin gets the same tokens in one piece. */
function take(one: Soaking, random: Random, counts: Soaked): void {
  const { live, twin, seen, method } = one
  const block = random.block(ROWS, HEADS * d, HEADS * dv, false)
  const queries = random.matrix(ROWS, HEADS * d)
  const way = random.below(4)
  if (way === 0) live.push(block)
  else if (way === 1) live.step(block, queries)
  else if (way === 2) {
    const trial = speculate(live)
    trial.step(block, queries)
    trial.accept(ROWS)
    trial[Symbol.dispose]()
  } else {
    const fork = live.fork()
    fork.push(random.block(9, HEADS * d, HEADS * dv, false))
    fork[Symbol.dispose]()
    live.toBytes()
    live.push(block)
  }
  if (way === 1 || way === 2) twin.step(block, queries)
  else twin.push(block)
  counts.tokens += ROWS * HEADS
  if (method.name !== 'exact') {
    if (live.tokens >= MOST_TOKENS) for (const layer of [live, twin]) layer.reset()
    return
  }
  seen.keys.push(firstHead(block.keys.data, d))
  seen.values.push(firstHead(block.values.data, dv))
  if (live.tokens < MOST_TOKENS) return
  const asked = random.matrix(1, HEADS * d)
  const got = normalise(live.attend(asked)).data
  const wanted = attended(
    asked.data.subarray(0, d),
    Float32Array.from(seen.keys.flatMap((part) => [...part])),
    Float32Array.from(seen.values.flatMap((part) => [...part])),
  )
  counts.error = Math.max(counts.error ?? 0, ...wanted.map((x, c) => Math.abs(x - got[c])))
  for (const layer of [live, twin]) layer.reset()
  Object.assign(one, { seen: { keys: [], values: [] } })
}

/** Compares a layer with its twin, and restarts the twin from its snapshot. */
function compare(one: Soaking, counts: Soaked): void {
  const bytes = one.twin.toBytes()
  counts.twins++
  if (Buffer.compare(one.live.toBytes(), bytes) !== 0) counts.differ++
  one.twin[Symbol.dispose]()
  one.twin = restoreLayer(bytes, openStream)
}

function firstHead(data: Float32Array, width: number): Float32Array {
  return Float32Array.from(
    { length: ROWS * width },
    (_, i) => data[Math.floor(i / width) * HEADS * width + (i % width)],
  )
}

/** Exact attention of one query, computed in float64. */
function attended(query: Float32Array, keys: Float32Array, values: Float32Array): number[] {
  const scores = Array.from({ length: keys.length / d }, (_, j) => {
    let score = 0
    for (let c = 0; c < d; c++) score += scale * query[c] * keys[j * d + c]
    return score
  })
  const top = scores.reduce((a, b) => Math.max(a, b))
  const out = Array.from({ length: dv }, () => 0)
  let mass = 0
  for (const [j, score] of scores.entries()) {
    const share = Math.exp(score - top)
    mass += share
    for (let c = 0; c < dv; c++) out[c] += share * values[j * dv + c]
  }
  return out.map((x) => x / mass)
}

const mib = (bytes: number) => Math.round((bytes / 2 ** 20) * 100) / 100
const told = (one: Held) =>
  Object.entries(one)
    .map(([part, bytes]) => `${part} ${mib(bytes)}`)
    .join(', ')

function series(times: readonly number[], points: readonly Held[]): Soak['held'] {
  const half = points.length >> 1
  const every = Math.ceil(points.length / 12)
  const of = (part: keyof Held) => {
    const all = points.map((one) => one[part])
    const late = all.slice(half)
    return {
      mib: all.filter((_, i) => i % every === 0).map(mib),
      slope: Math.round(slope(times.slice(half), late) * 100) / 100,
      spread: Math.round((Math.max(...late) - Math.min(...late)) / 1e4) / 100,
    }
  }
  const parts = Object.keys(points[0] ?? {}) as (keyof Held)[]
  return Object.fromEntries(parts.map((part) => [part, of(part)])) as Soak['held']
}
