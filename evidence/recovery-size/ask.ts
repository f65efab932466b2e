/**
 * `node evidence/recovery-size/ask.ts`: how many measurements 32 large entries take, and what a user would pick
 * instead at equal bytes.
 */
import { heavyHitters, recoveryRows } from '@sublinear/sparse-recovery'
import bloomFilters from 'bloom-filters'
import { main, type Experiment } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'
import { families, randomOf, type Input } from '../recovery-trials/families.ts'
import { distanceOf, sizesOf, valuesOf } from '../recovery-trials/trial.ts'

const N = 2 ** 16
const WANTED = 32
const EPSILON = 0.5
const TRIALS = 60
export const FIRST = 10
const FAMILIES = ['k signs', 'k Gaussian', 'power law 1', 'spikes of 9', 'clusters']

export interface SizePoint {
  readonly m: number
  /** Share of trials with ‖x′ − x‖ ≤ 1.5·tail_32(x), by family in the order of FAMILIES. */
  readonly success: readonly number[]
  /** Results of the first ten trials: a quick test tries them again. */
  readonly first: readonly number[]
}

export interface PeerRow {
  readonly by: string
  readonly bytes: number
  /** Share of the 64 largest entries found; ‖x′ − x‖/tail_64(x); undefined where it refuses the stream. */
  readonly positive: readonly [number, number]
  readonly signed: readonly [number, number] | undefined
}

/** Sketches made for k = 16 … 64, asked for the 32 largest entries. */
export function sizePoint(k: number, trials: number): SizePoint {
  const shares = FAMILIES.map((family) => {
    let [met, early] = [0, 0]
    for (let trial = 0; trial < trials; trial++) {
      const seed = 5_000_000 + trial
      const input = families[family]({ n: N, k: WANTED, epsilon: EPSILON }, randomOf(seed))
      const stream = fed(heavyHitters({ n: N, k, epsilon: EPSILON, seed }), input)
      const { norm, tail } = sizesOf(input.values, WANTED)
      if (distanceOf(input, valuesOf(stream.top(WANTED, { above: 0 }))) > (1 + EPSILON) * tail + 1e-9 * norm) continue
      met++
      if (trial < FIRST) early++
    }
    return [met / trials, early / FIRST] as const
  })
  return {
    m: recoveryRows({ n: N, k, epsilon: EPSILON }),
    success: shares.map(([all]) => all),
    first: shares.map(([, early]) => early),
  }
}

function fed<S extends { update(index: number, change: number): void }>(stream: S, { keys, values }: Input): S {
  for (let c = 0; c < values.length; c++) stream.update(keys ? keys[c] : c, values[c])
  return stream
}

/**
 * Two streams of 2^18 changes over 2^20 indices with Zipf counts: ones; and ones of even, minus ones of odd indices, a quarter of them with the
 * other sign: half of the changes cancel within their index, and totals have either sign.
 */
function streams(seed: number): { positive: [number, number][]; signed: [number, number][] } {
  const random = randomOf(seed)
  const n = 2 ** 20
  const ranked = () => Math.floor(Math.exp((random.below(2 ** 24) / 2 ** 24) * Math.log(n))) // density 1/rank
  const positive = Array.from({ length: 2 ** 18 }, (): [number, number] => [place(ranked()), 1])
  const signed = positive.map(([index]): [number, number] => [index, (index % 2 ? -1 : 1) * (random.below(4) ? 1 : -1)])
  return { positive, signed }
}

function peers(): PeerRow[] {
  const [n, k] = [2 ** 20, 64]
  const { positive, signed } = streams(11)
  const m = recoveryRows({ n, k, epsilon: EPSILON })
  const bytes = 8 * m
  const rows = 5
  const columns = Math.floor(m / rows)
  const judged = (changes: readonly [number, number][], top: readonly { index: number; value: number }[]) => {
    const totals = new Float64Array(n)
    for (const [index, change] of changes) totals[index] += change
    const order = Array.from(totals.keys()).toSorted((a, b) => Math.abs(totals[b]) - Math.abs(totals[a]))
    const least = Math.abs(totals[order[k - 1]])
    const found = top.filter(({ index }) => Math.abs(totals[index]) >= least).length
    const input = { values: totals }
    return [Math.min(1, found / k), distanceOf(input, top) / sizesOf(totals, k).tail] as const
  }
  const ours = (changes: readonly [number, number][]) => {
    const stream = heavyHitters({ n, k, epsilon: EPSILON, seed: 3 })
    for (const [index, change] of changes) stream.update(index, change)
    return judged(changes, valuesOf(stream.top(k, { above: 0 })))
  }
  const scan = (changes: readonly [number, number][]) => {
    const stream = fullScan(m, rows)
    for (const [index, change] of changes) stream.add(index, change)
    return judged(changes, stream.top(n, k))
  }
  const topK = () => {
    const stream = new bloomFilters.TopK(k, Math.E / columns, Math.exp(-rows))
    for (const [index, change] of positive) stream.add(String(index), change)
    const top = [...stream.values()].map(({ value, frequency }) => ({ index: Number(value), value: frequency }))
    return judged(positive, top)
  }
  return [
    { by: 'heavyHitters', bytes, positive: ours(positive), signed: ours(signed) },
    { by: 'CountSketch of 5 rows, every index estimated', bytes, positive: scan(positive), signed: scan(signed) },
    { by: 'bloom-filters TopK (Count-Min of 5 rows and a list)', bytes, positive: topK(), signed: undefined },
  ]
}

/** A CountSketch from fully random tables, the best it can be: rows × width. */
function fullScan(m: number, rows: number) {
  const width = Math.floor(m / rows)
  const random = randomOf(99)
  const n = 2 ** 20
  const places = Array.from({ length: rows }, () => Uint32Array.from({ length: n }, () => random.below(2 * width)))
  const counters = new Float64Array(rows * width)
  return {
    add(index: number, change: number) {
      for (const [r, place] of places.entries()) {
        const at = place[index]
        counters[r * width + (at >> 1)] += at % 2 === 0 ? change : -change
      }
    },
    top(count: number, k: number) {
      const all = Array.from({ length: count }, (_, index) => {
        const five = places.map((place, r) => {
          const at = place[index]
          return at % 2 === 0 ? counters[r * width + (at >> 1)] : -counters[r * width + (at >> 1)]
        })
        return { index, value: five.toSorted((a, b) => a - b)[2] }
      })
      return all.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, k)
    },
  }
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const pair = (x: readonly [number, number] | undefined) => (x ? `${x[0].toFixed(2)}, ${x[1].toFixed(2)}` : 'refused')
const place = (rank: number) => Math.imul(rank, 0x9e3779b1) >>> 12 // a fixed odd multiplier permutes 2^32; its top 20 bits

interface Result {
  readonly families: readonly string[]
  readonly sizes: readonly SizePoint[]
  readonly peers: readonly PeerRow[]
}

function table({ sizes, peers: rows, families: names }: Result): string {
  return [
    line(['64 largest of 2^20 indices, 2^18 changes, Zipf', 'bytes', 'counts of ones', 'signed, half cancels']),
    line(['---', '---', '---', '---']),
    ...rows.map(({ by, bytes, positive, signed }) =>
      line([by, `${(bytes / 1000).toFixed(1)} kB`, pair(positive), pair(signed)]),
    ),
    '',
    'The cells show the share of the 64 largest that are found, and ‖x′ − x‖/tail₆₄(x), which is at least 1.',
    '',
    line(['32 large entries of 2^16 found within 1.5·tail₃₂', ...names]),
    line(['---', ...names.map(() => '---')]),
    ...sizes.map(({ m, success }) => line([`m = ${m}`, ...success.map((x) => x.toFixed(2))])),
    '',
    `The cells show shares of ${TRIALS} trials; the package uses m = ${recoveryRows({ n: N, k: WANTED, epsilon: EPSILON })} for k = 32: \`node evidence/recovery-size/ask.ts\`.`,
  ].join('\n')
}

export const recoverySize: Experiment<Result> = {
  name: 'recovery-size',
  question: 'How many measurements do 32 large entries take, and what do other sketches find in equal bytes?',
  inALine({ sizes, peers: rows }) {
    const enough = sizes.find(({ success }) => success.every((share) => share === 1))!
    const found = rows.map(({ by, positive }) => `${by.split(' ')[0]} ${Math.round(100 * positive[0])} %`)
    return `${enough.m} measurements of 2^16 entries are enough in all trials; of 64 large entries ${found.join(', ')} are found`
  },
  asks: 'How many measurements do 32 large entries take, and how good are the sketches that a user might pick instead, at equal bytes?',
  run: () => ({
    families: FAMILIES,
    sizes: [16, 20, 24, 40, 28, 48, 32, 64].map((k) => sizePoint(k, TRIALS)), // by m: from k = 40 on a tree has a level less
    peers: peers(),
  }),
  answer: table,
  picture: ({ sizes, families: names }) =>
    plot('32 large entries of 2^16 found within 1.5·tail₃₂', [
      {
        title: 'share of the trials, by measurements',
        x: { label: 'm' },
        y: { label: 'found' },
        lines: names.map((name, i) => ({ name, points: sizes.map(({ m, success }) => [m, success[i]] as const) })),
      },
    ]),
}

await main(import.meta.url, recoverySize)
