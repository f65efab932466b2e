/**
 * `node evidence/turned-keys/ask.ts`: what it costs that keys turn by their place when they are read, and not once when they are written:
 * CPU time a token of the same tiers, in turns, medians over rounds.
 *
 * written: keys turn when they come, and are held so (`positions: 'text'`). read: what leaves the window is turned back, and asked by a query turned to one distance
 * (`{ clamp }`).
 */
import { cpus } from 'node:os'
import { endless, type AttentionStream, type Matrix } from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { SHORT_WINDOW } from '../kit/short-window.ts'
import { markdownTable } from '../kit/markdown.ts'

export interface Turned {
  readonly d: number
  /** Tokens a step, each with one query. */
  readonly block: number
  /** µs of CPU a token. */
  readonly written: number
  readonly read: number
  /** Median over rounds of read / written. */
  readonly ratio: number
}

const ROUNDS = 25
const BEFORE = 2048
const PIECE = 1024

function numbers(rows: number, cols: number, seed: number): Matrix {
  let state = seed * 48_271 + 1
  const next = () => ((state = (state * 48_271) % 2_147_483_647) / 2_147_483_647) * 2 - 1
  return { rows, cols, data: Float32Array.from({ length: rows * cols }, () => next() + next() + next()) }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]

function measured(d: number, block: number): Turned {
  const rotary = { base: 10_000, pairing: 'halves' } as const
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d), rotary }
  const [keys, values, queries] = [1, 2, 3].map((seed) => numbers(PIECE, d, seed))
  const rows = ({ data }: Matrix, from: number): Matrix => ({ rows: block, cols: d, data: data.subarray(from * d, (from + block) * d) }) // prettier-ignore
  const streams = [endless(SHORT_WINDOW)({ ...shape, positions: 'text' }), endless(SHORT_WINDOW)(shape)]
  const run = (stream: AttentionStream) => {
    const before = process.cpuUsage()
    for (let from = 0; from < PIECE; from += block)
      stream.step({ keys: rows(keys, from), values: rows(values, from) }, rows(queries, from))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / PIECE
  }
  for (const stream of streams) while (stream.tokens < BEFORE) run(stream)
  const times = Array.from({ length: ROUNDS }, (_, round) => {
    const [first, second] = round % 2 ? [1, 0] : [0, 1]
    const out = [0, 0]
    out[first] = run(streams[first])
    out[second] = run(streams[second])
    return out
  })
  return {
    d,
    block,
    written: median(times.map(([written]) => written)),
    read: median(times.map(([, read]) => read)),
    ratio: median(times.map(([written, read]) => read / written)),
  }
}

interface TurnedKeys {
  readonly cpu: string
  readonly rounds: number
  readonly rows: readonly Turned[]
}

export const turnedKeys: Experiment<TurnedKeys> = {
  name: 'turned-keys',
  question: 'What does it cost to turn keys by their place when they are read, instead of once when they are written?',
  inALine: ({ rows }) => {
    const ratios = rows.map(({ ratio }) => ratio)
    return `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} times the CPU time a token`
  },
  asks:
    'What does it cost to turn keys by their place when they are read, instead of once when they are written? Tokens that leave the window are turned back, and a query that is turned to one distance asks them. ' +
    'Numbers are CPU times of the same tiers for a token, which take turns; they are medians over rounds.',
  run: () => ({
    cpu: cpus()[0].model,
    rounds: ROUNDS,
    rows: [64, 128].flatMap((d) => [128, 1].map((block) => measured(d, block))),
  }),
  answer: ({ cpu, rounds, rows }) =>
    [
      markdownTable(
        ['d', 'tokens a step', 'µs a token, turned when written', 'when read', 'ratio'],
        rows.map((row) => [row.d, row.block, row.written.toFixed(1), row.read.toFixed(1), row.ratio.toFixed(2)]),
      ),
      '',
      `${cpu}, medians of ${rounds} rounds.`,
    ].join('\n'),
}

await main(import.meta.url, turnedKeys)
