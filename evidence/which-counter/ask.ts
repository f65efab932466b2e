/**
 * `node evidence/which-counter/ask.ts`: what to count with, on one Zipf stream of ones and one of either sign, beside an exact Map.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { frequentItems, heavyHitters, recoveryRows } from '@sublinear/sparse-recovery'
import bloomFilters from 'bloom-filters'
import { main, type Experiment } from '../kit/experiment.ts'
import { randomOf } from '../recovery-trials/families.ts'

const N = 2 ** 20
const K = 64
const EPSILON = 0.5
const CHANGES = 10 ** 6
const ROUNDS = 5
/** Items of frequentItems in at most the bytes of heavyHitters: 24 bytes each and a table of 4096 places. */
const ITEMS = 2047

type Change = readonly [index: number, change: number]
interface Counter {
  add(index: number, change: number): void
  /** The 64 largest by magnitude, as index and total. */
  top(): (readonly [number, number])[]
  readonly bytes?: number
}

export interface CounterRow {
  readonly by: string
  readonly bytes: number
  /** Share of the 64 largest found, and the mean of |error|/|total| over them, missing ones counted as 0; undefined where refused. */
  readonly ones: readonly [recall: number, error: number]
  readonly signed: readonly [recall: number, error: number] | undefined
  /** Millions of changes a second of CPU time, the median of five rounds. */
  readonly speed: number
}
export interface WhichCounter {
  readonly changes: number
  readonly distinct: number
  readonly rows: readonly CounterRow[]
}

/** Zipf with exponent 1.1 over scattered indices: ones, and ones of either sign by index of which a quarter is taken back. */
function streams(): { ones: Change[]; signed: Change[] } {
  const random = randomOf(12)
  const sums = new Float64Array(N)
  let sum = 0
  for (let i = 0; i < N; i++) sums[i] = sum += (i + 1) ** -1.1
  const ranked = () => {
    const u = (random.below(2 ** 24) / 2 ** 24) * sum
    let [low, high] = [0, N - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] <= u) low = middle + 1
      else high = middle
    }
    return (low * 40_503) % N // odd, so a permutation
  }
  const ones = Array.from({ length: CHANGES }, (): Change => [ranked(), 1])
  const signed = ones.map(([index]): Change => [index, (index % 2 ? -1 : 1) * (random.below(4) ? 1 : -1)])
  return { ones, signed }
}

function totalsOf(changes: readonly Change[]): Map<number, number> {
  const totals = new Map<number, number>()
  for (const [index, change] of changes) totals.set(index, (totals.get(index) ?? 0) + change)
  return totals
}

const largest = (all: Iterable<readonly [number, number]>) =>
  [...all].toSorted(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, K)

/** The engine's own table of everything. */
function exactMap(): Counter {
  const totals = new Map<number, number>()
  return {
    add: (index, change) => void totals.set(index, (totals.get(index) ?? 0) + change),
    top: () => largest(totals),
  }
}

function ofHeavyHitters(): Counter {
  const stream = heavyHitters({ n: N, k: K, epsilon: EPSILON, seed: 3 })
  return {
    add: (index, change) => stream.update(index, change),
    top: () => stream.top().map(({ index, estimate }) => [index, estimate] as const),
    bytes: stream.bytes,
  }
}

function ofFrequentItems(): Counter {
  const items = frequentItems({ count: ITEMS })
  return {
    add: (index, change) => items.update(index, change),
    top: () => items.top(K).map(({ key, estimate }) => [key as number, estimate] as const),
    bytes: items.bytes,
  }
}

const counterBytes = 8 * recoveryRows({ n: N, k: K, epsilon: EPSILON })

/** Count-Min of five rows and a list, of a well-known library. */
function ofTopK(): Counter {
  const rows = 5
  const top = new bloomFilters.TopK(K, Math.E / Math.floor(counterBytes / 8 / rows), Math.exp(-rows))
  return {
    add: (index, change) => top.add(String(index), change),
    top: () => [...top.values()].map(({ value, frequency }) => [Number(value), frequency] as const),
    bytes: counterBytes,
  }
}

function judged(top: (readonly [number, number])[], totals: ReadonlyMap<number, number>): readonly [number, number] {
  const wanted = largest(totals)
  const least = Math.abs(wanted.at(-1)![1])
  const found = new Map(top)
  const right = top.filter(([index]) => Math.abs(totals.get(index) ?? 0) >= least).length
  const off = wanted.reduce((sum, [index, total]) => sum + Math.abs((found.get(index) ?? 0) / total - 1), 0)
  return [Math.min(1, right / K), off / K]
}

const fed = (counter: Counter, changes: readonly Change[]) => {
  for (const [index, change] of changes) counter.add(index, change)
  return counter
}

/** Seconds of CPU time. */
function timed(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

export function whichCounter(): WhichCounter {
  const { ones, signed } = streams()
  const [onesTotals, signedTotals] = [totalsOf(ones), totalsOf(signed)]
  const kinds: { by: string; make: () => Counter; signed: boolean; share: number }[] = [
    { by: 'exact `Map`', make: exactMap, signed: true, share: 1 },
    { by: '`frequentItems`', make: ofFrequentItems, signed: false, share: 1 },
    { by: '`heavyHitters`', make: ofHeavyHitters, signed: true, share: 1 },
    { by: 'bloom-filters `TopK`', make: ofTopK, signed: false, share: 0.1 },
  ]
  const times = kinds.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { make, share }] of kinds.entries()) {
      const part = ones.slice(0, CHANGES * share)
      const counter = make()
      times[i].push(timed(() => fed(counter, part)) / part.length)
    }
  }
  const rows = kinds.map(({ by, make, signed: both }, i): CounterRow => {
    const seconds = times[i].toSorted((a, b) => a - b)[ROUNDS >> 1]
    return {
      by,
      bytes: make().bytes ?? heapOf(() => totalsOf(ones)),
      ones: judged(fed(make(), ones).top(), onesTotals),
      signed: both ? judged(fed(make(), signed).top(), signedTotals) : undefined,
      speed: 1e-6 / seconds,
    }
  })
  return { changes: CHANGES, distinct: onesTotals.size, rows }
}

/** Bytes of the heap that what is made holds. */
function heapOf(make: () => unknown): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = make()
  collect()
  const bytes = process.memoryUsage().heapUsed - before
  return kept ? bytes : 0
}

const can: Readonly<Record<string, readonly [signed: string, merges: string, keys: string, bound: string]>> = {
  'exact `Map`': ['yes', 'by hand', 'any', 'exact'],
  '`frequentItems`': ['no', 'yes', 'number, text, bytes, bigint', 'always holds'],
  '`heavyHitters`': ['yes', 'yes, linear', 'number, text, bytes, bigint', 'holds but for δ'],
  'bloom-filters `TopK`': ['no', 'no', 'text', 'from above, but for δ'],
}

const bytesIn = (x: number) => (x >= 1e6 ? `${(x / 1e6).toFixed(1)} MB` : `${(x / 1e3).toFixed(1)} kB`)
const pair = (x: readonly [number, number] | undefined) =>
  x ? `${Math.round(x[0] * K)}, ${(100 * x[1]).toFixed(1)} %` : 'refused'

export function counterTable({ rows }: WhichCounter): string {
  const lines = rows.map(({ by, ...row }) => {
    const [signed, merges, keys, bound] = can[by]
    return `| ${by} | ${signed} | ${merges} | ${keys} | ${bound} | ${bytesIn(row.bytes)} | ${row.speed.toFixed(1)} | ${pair(row.ones)} | ${pair(row.signed)} |`
  })
  return [
    '| counter | signs and deletions | merges | keys | bound | bytes | M changes/s | ones: of 64, error | signed: of 64, error |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

export const counters: Experiment<WhichCounter> = {
  name: 'which-counter',
  question: 'Which counter should one use if an exact Map is too large?',
  inALine: ({ rows }) =>
    rows
      .filter(({ by }) => by.startsWith('`'))
      .map(
        ({ by, bytes, ones, signed }) =>
          `${by} finds ${Math.round(ones[0] * K)} of ${K} in ${bytesIn(bytes)}${signed ? ', of either sign too' : ''}`,
      )
      .join('; '),
  asks:
    'Which counter should one use? The streams have a million changes by Zipf’s law with exponent 1.1 over 2^20 indices. In the first stream every change is 1; in the second it is 1 or −1, by index, and a quarter of the changes is taken back. The table says how many of ' +
    'the 64 largest totals were found, and the mean relative error over them, where a missing one counts as an estimate of 0. [Which counter?](../../docs/which-counter.md) says what follows from it.',
  run: whichCounter,
  answer: counterTable,
}

await main(import.meta.url, counters)
