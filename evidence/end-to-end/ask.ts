/**
 * `node evidence/end-to-end/ask.ts [name q.npy k.npy v.npy …]`: everything against exact attention, error, CPU and wall
 * time: Algorithm 1, the exact feature state, the Gaussian closure, far keys before it, a uniform sample and a window of equal bytes; on
 * synthetic streams and on captured heads. Two minutes.
 */
import {
  anisotropicFeatures,
  exactAttention,
  normalise,
  onePass,
  osnap,
  taylorFeatures,
  type AttentionStream,
  type FeatureMap,
  type Matrix,
  type Shape,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { capturesOf } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { streamOf } from '../kit/methods-named.ts'
import { plot } from '../kit/plot.ts'
import { meanOf, pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'
import { syntheticStream } from '../kit/synthetic-stream.ts'

/** Bytes that may be held; a summary that needs less has less. */
const BUDGET = 100_000
const [QUERIES, PILOT, SINKS, LONG] = [512, 512, 4, 65_536]
const SEEDS = [1, 2, 3, 4]

/** n tokens, and queries over all of them. */
interface Task {
  readonly name: string
  readonly keys: Matrix
  readonly values: Matrix
  readonly queries: Matrix
  readonly pilotQueries: Matrix
  readonly scale: number
}

interface Found {
  readonly method: string
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F. */
  readonly error: number
  /** Microseconds a token pushed, and a query answered: CPU and wall. */
  readonly push: number
  readonly attend: number
  readonly wall: number
}

interface Row {
  readonly data: string
  readonly n: number
  readonly d: number
  readonly heads: number
  readonly cacheBytes: number
  readonly methods: readonly Found[] // means over the heads
}

export interface EndToEnd {
  readonly node: string
  readonly budget: number
  readonly queries: number
  readonly rows: readonly Row[]
}

type Method = (task: Task) => { readonly output: () => Matrix; readonly bytes: () => number; readonly push: () => void }

const streamed =
  (make: (task: Task) => AttentionStream): Method =>
  (task) => {
    const stream = make(task)
    return {
      push: () => stream.push({ keys: task.keys, values: task.values }),
      output: () => normalise(stream.attend(task.queries)),
      bytes: () => stream.bytes,
    }
  }

const sampled =
  (chosenOf: (n: number, count: number) => readonly number[]): Method =>
  (task) => {
    const { keys, values, queries, scale } = task
    const count = Math.min(keys.rows, Math.floor(BUDGET / (4 * (keys.cols + values.cols))))
    let chosen: { readonly keys: Matrix; readonly values: Matrix }
    return {
      push: () => {
        const rows = chosenOf(keys.rows, count)
        chosen = { keys: pick(keys, rows), values: pick(values, rows) }
      },
      output: () => exactAttention({ queries, ...chosen, scale }),
      bytes: () => 4 * count * (keys.cols + values.cols),
    }
  }

const shapeOf = ({ keys, values, scale }: Task): Shape => ({ d: keys.cols, dv: values.cols, scale })
/** A method of the catalogue. */
const held = (name: string, options: (shape: Shape, task: Task) => object = () => ({})) =>
  streamed((task) => streamOf(name, options(shapeOf(task), task))(shapeOf(task)))

const METHODS: Readonly<Record<string, Method>> = {
  'exact attention': held('exact'),
  'Algorithm 1': algorithm1,
  'exact feature state': streamed((task) => {
    const name = isNarrow(task) ? 'taylor' : 'anisotropic'
    return streamOf(name, { features: featuresOf(task, 256).spec })(shapeOf(task))
  }),
  'Gaussian closure': held('closure'),
  'far keys + closure': held('farClosure', ({ d, dv }) => ({ count: farCount(d, dv) })),
  'sinks + window': held('streamingLlm', ({ d, dv }) => ({
    sinks: SINKS,
    count: Math.floor(BUDGET / (4 * (d + dv + 1))) - 64,
  })),
  ...Object.fromEntries(
    SEEDS.map((seed) => [`uniform sample ${seed}`, sampled((n, count) => uniformSample(n, count, seed))]),
  ),
}

export const endToEnd: Experiment<EndToEnd> = {
  name: 'end-to-end',
  question: 'Is Algorithm 1 better than its rivals, in error against exact attention and in time?',
  inALine: (result) =>
    firstSentence(endToEnd.answer(result).split('Algorithm 1').slice(1).join('Algorithm 1'), 'No: Algorithm 1'),
  asks:
    `How far from exact attention is each summary, from the first token to the last answer? The error is ‖ô − o‖_F/‖o‖_F (answering zero has 1) of ${QUERIES} queries over all tokens, with at most ${BUDGET / 1000} kB for every summary. ` +
    'The synthetic streams have d = dv = 8, scores of standard deviation 0.5 and 1.5 from Gaussian keys, and of 1.5 from 16 clusters. The heads have d = dv = 32; their errors are means over the heads.',
  run(args) {
    const synthetic = [
      { std: 0.5, clusters: 0 },
      { std: 1.5, clusters: 0 },
      { std: 1.5, clusters: 16 },
    ].map((options) => [syntheticTask(options)])
    const captured = capturesOf(args).map(({ name, heads }) =>
      heads.map(({ queries, keys, values }): Task => {
        const n = keys.rows - QUERIES
        return {
          name: `${name} heads`,
          keys: rowsOf(keys, 0, n),
          values: rowsOf(values, 0, n),
          queries: rowsOf(queries, n, keys.rows),
          pilotQueries: rowsOf(queries, 0, PILOT),
          scale: 1 / Math.sqrt(keys.cols),
        }
      }),
    )
    return {
      node: process.version,
      budget: BUDGET,
      queries: QUERIES,
      rows: [...synthetic, ...captured].map((tasks) => rowOf(tasks)),
    }
  },
  answer({ rows, node }) {
    const names = rows[0].methods.map(({ method }) => method)
    const summaries = names.filter((name) => name !== 'exact attention')
    const best = rows.map((row) => summaries.reduce((a, b) => (of(row, a).error <= of(row, b).error ? a : b)))
    const beaten = rows.filter((row) => of(row, 'Algorithm 1').error > of(row, 'exact feature state').error)
    return [
      `The best are: ${rows.map(({ data }, i) => `${data}: ${best[i]} (${figure(of(rows[i], best[i]).error)})`).join('; ')}. ` +
        `Algorithm 1 is behind the exact feature state on ${beaten.length} of ${rows.length} inputs.`,
      '',
      `| | ${rows.map(({ data, n }) => `${data}, n = ${n}`).join(' | ')} | kB | µs a token | µs a query |`,
      `| --- | ${rows.map(() => '---').join(' | ')} | --- | --- | --- |`,
      ...names.map((name) => {
        const all = rows.map((row) => of(row, name))
        return `| ${name} | ${all.map(({ error }) => figure(error)).join(' | ')} | ${range(all.map(({ bytes }) => bytes / 1000))} | ${range(all.map(({ push }) => push))} | ${range(all.map(({ attend }) => attend))} |`
      }),
      '',
      `Times are CPU times of one run, the smallest and the largest over the columns; wall times are in the JSON file. Algorithm 1 ` +
        `has t ≤ 64, and the largest m₂ that then fits. Node ${node}.`,
    ].join('\n')
  },
  all({ rows }) {
    const captured = rows.filter(({ data }) => data.endsWith('heads'))
    const summaries = captured[0].methods.filter(({ method }) => method !== 'exact attention')
    return [
      'These are means over all captured heads:',
      '',
      `| | ${summaries.map(({ method }) => method).join(' | ')} |`,
      `| --- | ${summaries.map(() => '---').join(' | ')} |`,
      ...captured.map(
        (row) =>
          `| ${row.heads} ${row.data} | ${summaries.map(({ method }) => figure(of(row, method).error)).join(' | ')} |`,
      ),
    ].join('\n')
  },
  picture({ rows, budget }) {
    return plot(
      `Error against CPU time, at most ${budget / 1000} kB`,
      rows.slice(-3).map(({ data, n, methods }, i) => ({
        title: `${data}, n = ${n}`,
        x: { label: 'µs a token', log: true },
        y: { label: i === 0 ? 'relative error' : '' },
        lines: methods
          .filter(({ error }) => error > 1e-4)
          .map(({ method, push, error }) => ({ name: method, points: [[Math.max(push, 1e-3), error] as const] })),
      })),
    )
  },
}

function of({ methods }: Row, method: string): Found {
  return methods.find((found) => found.method === method)!
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(two) as [string, string]
  return least === most ? least : `${least} … ${most}`
}

const isNarrow = ({ keys }: Task) => keys.cols <= 8

/** d ≤ 8: Taylor of degree 3; wider: monomials chosen from the first tokens. Keys less the mean of the first tokens either way. */
function featuresOf(task: Task, t: number): FeatureMap {
  const { keys, pilotQueries, scale } = task
  const pilotKeys = rowsOf(keys, 0, PILOT)
  if (isNarrow(task))
    return taylorFeatures({ d: keys.cols, degree: t > 64 ? 3 : 2, scale, centre: meanOf(pilotKeys, 1).data })
  return anisotropicFeatures({ pilotKeys, pilotQueries, t, scale })
}

/** t ≤ 64, and as many rows of Ψ as the budget has left: row answers, no Φ. */
function algorithm1(task: Task): ReturnType<Method> {
  const { keys, values, queries } = task
  const features = featuresOf(task, 64)
  const { t } = features
  const dv = values.cols
  const left = BUDGET - 4 * 64 * (t + dv) - 8 * (2 * t + dv) - 6000
  const m = Math.floor(left / (4 * (t + dv + 1)) / 8) * 8
  const stream = onePass({ features, dv, psi: osnap({ m, nonzeros: 8, seed: 1 }) })
  return {
    push: () => {
      stream.pushValues(values)
      stream.pushKeys(keys)
    },
    output: () => normalise(stream.attend(queries)),
    bytes: () => stream.bytes,
  }
}

/** Far keys for which the budget has room beside the closure and the buffer. */
function farCount(d: number, dv: number): number {
  const closure = 4 * d * (d + dv) + 8 * (d + 2 * dv) + 4 * 80 * (d + dv) + 1000
  return Math.floor((BUDGET - closure) / (4 * (d + dv + 1) + 24))
}

export function syntheticTask({ std, clusters }: { std: number; clusters: number }, n = LONG): Task {
  const source = syntheticStream({ d: 8, dv: 8, std, clusters, seed: 5 })
  return {
    name: `${clusters > 0 ? `${clusters} clusters` : 'Gaussian'}, std ${std}`,
    ...source.tokens(0, n),
    queries: source.queries(QUERIES, 0),
    pilotQueries: source.queries(PILOT, QUERIES),
    scale: source.scale,
  }
}

export function rowOf(tasks: readonly Task[], methods = Object.keys(METHODS)): Row {
  const [first] = tasks
  const { rows: n, cols: d } = first.keys
  const all = methods.map((method) => {
    const runs = tasks.map((task) => {
      const { queries, keys, values, scale } = task
      const exact = exactAttention({ queries, keys, values, scale })
      METHODS[method](task).push() // compiled
      const state = METHODS[method](task)
      const push = timed(state.push)
      const attend = timed(state.output)
      return {
        error: relativeError(attend.result, exact),
        bytes: state.bytes(),
        push: (1000 * push.cpu) / n,
        attend: (1000 * attend.cpu) / QUERIES,
        wall: push.wall + attend.wall,
      }
    })
    return { method, ...meanOfAll(runs) }
  })
  const samples = all.filter(({ method }) => method.startsWith('uniform sample'))
  const others = all.filter(({ method }) => !method.startsWith('uniform sample'))
  const sample = samples.length > 0 ? [{ method: 'uniform sample', ...meanOfAll(samples) }] : []
  return {
    data: first.name,
    n,
    d,
    heads: tasks.length,
    cacheBytes: 4 * n * (d + first.values.cols),
    methods: [...others, ...sample],
  }
}

function meanOfAll(runs: readonly Omit<Found, 'method'>[]): Omit<Found, 'method'> {
  const mean = (of: (run: Omit<Found, 'method'>) => number) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length
  return {
    error: mean(({ error }) => error),
    bytes: Math.round(mean(({ bytes }) => bytes)),
    push: mean(({ push }) => push),
    attend: mean(({ attend }) => attend),
    wall: mean(({ wall }) => wall),
  }
}

/** Milliseconds. */
function timed<Result>(work: () => Result): { readonly result: Result; readonly cpu: number; readonly wall: number } {
  const [start, from] = [process.cpuUsage(), performance.now()]
  const result = work()
  const wall = performance.now() - from
  const { user, system } = process.cpuUsage(start)
  return { result, cpu: (user + system) / 1000, wall }
}

const figure = (error: number) => (error === 0 ? '0' : error < 0.001 ? error.toExponential(0) : error.toFixed(3))
const two = (x: number) => String(Number(x.toPrecision(2)))

await main(import.meta.url, endToEnd)
