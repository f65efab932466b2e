/**
 * `node evidence/decoding-time/ask.ts`: CPU time of decoding a column of Φ against k and n, beside a scan of all n
 * indices; rounds interleaved, medians. Two minutes.
 */
import { random } from '@sublinear/laws'
import { philox, sparseSketchMatrix } from '@sublinear/core'
import { sketch, sparseRecovery, type SparseRecovery } from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { plot } from '../kit/plot.ts'

const EPSILON = 0.5
const SPARSITIES = [4, 16, 64, 256]
const LENGTHS = [16, 20, 24, 28, 32].map((power) => 2 ** power)
/** Beyond this a scan takes minutes. */
const LONGEST_SCAN = 2 ** 20
const ROUNDS = 7
const HASHES = 5
const NOISE = 2000

interface Cell {
  readonly n: number
  readonly k: number
  readonly m: number
  /** CPU milliseconds a column, median over the rounds; of the scan 0 where it was not run. */
  readonly decode: number
  readonly scan: number
  /** Large entries found, of the k. */
  readonly found: number
}

export interface DecodingTime {
  readonly node: string
  readonly epsilon: number
  readonly rounds: number
  readonly cells: readonly Cell[]
}

export const decodingTime: Experiment<DecodingTime> = {
  name: 'decoding-time',
  question: 'How long does a column take to decode?',
  inALine: (result) => firstSentence(decodingTime.answer(result)),
  asks: `How long does it take to decode a column with k large entries and ${NOISE} small ones in n, at ε₁ = ${EPSILON}? For comparison, a CountSketch with as many counters is scanned at each of the n indices.`,
  run() {
    const cells = LENGTHS.flatMap((n) => SPARSITIES.map((k) => ({ n, k, ...columnOf(n, k) }))).filter(
      ({ dominated }) => !dominated,
    )
    const times = cells.map(() => ({ decode: [] as number[], scan: [] as number[] }))
    for (const { decode } of cells) decode() // compiled
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, { n, decode, scan }] of cells.entries()) {
        times[i].decode.push(cpuTime(decode))
        if (n <= LONGEST_SCAN && round < 3) times[i].scan.push(cpuTime(scan))
      }
    }
    return {
      node: process.version,
      epsilon: EPSILON,
      rounds: ROUNDS,
      cells: cells.map(({ n, k, m, decode }, i) => ({
        n,
        k,
        m,
        decode: median(times[i].decode),
        scan: median(times[i].scan),
        found: decode(),
      })),
    }
  },
  answer({ cells, rounds, node }) {
    const at = (n: number, k: number) => cells.find((cell) => cell.n === n && cell.k === k)!
    const [short, long] = [at(2 ** 20, 16), at(2 ** 32, 16)]
    const rows = LENGTHS.map((n) => {
      const figures = SPARSITIES.map((k) => cells.find((cell) => cell.n === n && cell.k === k))
      const scans = figures.flatMap((cell) => (cell && cell.scan > 0 ? [cell.scan] : []))
      const shown = figures.map((cell) => (cell ? `${cell.decode.toPrecision(2)} ms` : '–'))
      return `| 2^${Math.log2(n)} | ${shown.join(' | ')} | ${scans.length > 0 ? `${Math.round(Math.max(...scans))} ms` : '–'} |`
    })
    return [
      `With k = 16 a column of 2³² takes ${(long.decode / short.decode).toPrecision(2)} times as long as one of 2²⁰, ` +
        `${long.decode.toPrecision(2)} ms; a scan of 2²⁰ takes ${Math.round(short.scan / short.decode)} times as long as decoding it. ` +
        `${cells.reduce((sum, { found }) => sum + found, 0)} of ${cells.reduce((sum, { k }) => sum + k, 0)} large entries were found.`,
      '',
      `| n | ${SPARSITIES.map((k) => `k = ${k}`).join(' | ')} | scan |`,
      `| --- | ${SPARSITIES.map(() => '---').join(' | ')} | --- |`,
      ...rows,
      '',
      `Times are CPU times, medians of ${rounds} interleaved rounds (scan: 3), Node ${node}. There is no figure where Φ would be the identity.`,
    ].join('\n')
  },
  picture: ({ cells }) =>
    plot('CPU time of decoding one column of Φ', [
      {
        title: `ε₁ = ${EPSILON}`,
        x: { label: 'n', log: true },
        y: { label: 'milliseconds', log: true },
        lines: SPARSITIES.flatMap((k, colour) => {
          const own = cells.filter((cell) => cell.k === k)
          const scanned = own.filter(({ scan }) => scan > 0)
          return [
            { name: `decode, k = ${k}`, colour, points: own.map(({ n, decode }) => [n, decode] as const) },
            ...(k === 16
              ? [{ name: 'scan of all n, k = 16', colour: 6, points: scanned.map(({ n, scan }) => [n, scan] as const) }]
              : []),
          ]
        }),
      },
    ]),
}

/** A column with k entries of size 1 and noise of a tenth of their energy, measured by Φ and by the scanned CountSketch. */
export function columnOf(n: number, k: number) {
  const phi = sparseRecovery({ n, k, epsilon: EPSILON, seed: 7 })
  const counters = countSketches(n, Math.ceil(phi.m / HASHES))
  const large = places(n, k, 1)
  const entries = new Map(places(n, NOISE, 2).map((index, i) => [index, noise(i) * Math.sqrt((0.3 * k) / NOISE)]))
  for (const [i, index] of large.entries()) entries.set(index, i % 2 === 0 ? 1 : -1)
  const measure = (recovery: Pick<SparseRecovery, 'matrix'>) => {
    const measured = sketch(recovery.matrix, 1)
    for (const [index, value] of entries) measured.update(index, value)
    return measured.state.data
  }
  const [column, scanned] = [measure(phi), measure(counters)]
  return {
    m: phi.m,
    dominated: phi.dominated,
    decode: () => {
      const { indices } = phi.decode(column)
      return large.filter((index) => indices.includes(index)).length
    },
    scan: () => counters.top(scanned, k),
  }
}

const small = random(NOISE, 1, 5).data
const noise = (i: number) => small[i]

/** Places in [0, n), a function of the lane. */
function places(n: number, count: number, lane: number): number[] {
  const words = new Uint32Array(4)
  return Array.from({ length: count }, (_, i) => {
    philox(words, 1, 2, i, lane, 0, 0)
    return Math.floor((words[0] / 2 ** 32) * n)
  })
}

/** CountSketches side by side; `top` takes the median of an index's counters, for every index, and keeps the k largest. */
function countSketches(n: number, width: number) {
  const words = new Uint32Array(4)
  const list = (first: number, count: number, rows: Uint32Array, values: Float32Array) => {
    for (let c = 0; c < count; c++) {
      for (let h = 0; h < HASHES; h += 2) {
        philox(words, 9, 0, (first + c) % 2 ** 32, Math.floor((first + c) / 2 ** 32), h, 0)
        for (const half of [0, 1]) {
          if (h + half >= HASHES) break
          rows[c * HASHES + h + half] = (h + half) * width + (words[2 * half] % width)
          values[c * HASHES + h + half] = words[2 * half + 1] & 1 ? 1 : -1
        }
      }
    }
  }
  const matrix = sparseSketchMatrix({ kind: 'scan', m: HASHES * width, seed: 9, nonzeros: HASHES, entries: list })
  const top = (measured: ArrayLike<number>, k: number) => {
    const [rows, signs, own] = [new Uint32Array(HASHES), new Float32Array(HASHES), new Float64Array(HASHES)]
    let kept: [number, number][] = []
    let least = 0
    for (let i = 0; i < n; i++) {
      list(i, 1, rows, signs)
      for (let h = 0; h < HASHES; h++) {
        const counter = measured[rows[h]] * signs[h]
        let place = h
        for (; place > 0 && own[place - 1] > counter; place--) own[place] = own[place - 1]
        own[place] = counter
      }
      const estimate = own[(HASHES - 1) / 2]
      if (Math.abs(estimate) <= least) continue
      kept.push([i, estimate])
      if (kept.length < 2 * k) continue
      kept = kept.toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, k)
      least = Math.abs(kept[k - 1][1])
    }
    return kept
  }
  return { matrix, top }
}

function cpuTime(work: () => unknown): number {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

await main(import.meta.url, decodingTime)
