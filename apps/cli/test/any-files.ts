import { encodeNpy } from '@sublinear/io'
import { chance } from '../src/chance'

/** One head as files may have it. */
export interface AnyFile {
  readonly kind: string
  readonly n: number
  readonly d: number
  readonly dv: number
  readonly queries: Float32Array // n × d
  readonly keys: Float32Array // n × d
  readonly values: Float32Array // n × dv
  /** Whether exact attention in float32 is that of float64: not where scores are beyond 2^17, nor where values are below the least normal number. */
  readonly certain: boolean
}

type Entry = (row: number, column: number) => number
type Entries = readonly [queries: Entry, keys: Entry, values: Entry]

/** Gaussian entries, the same for the same three numbers. */
const gauss =
  (draw: number): Entry =>
  (row, column) =>
    Math.sqrt(-2 * Math.log(chance(draw, row, 2 * column))) * Math.cos(2 * Math.PI * chance(draw, row, 2 * column + 1))
const times =
  (factor: number, entry: Entry): Entry =>
  (row, column) =>
    factor * entry(row, column)
const zero: Entry = () => 0
const column: Entry = (_, c) => c + 0.5
/** Rows that are not 0: one of every 41. */
const few =
  (entry: Entry, factor = 1): Entry =>
  (row, c) =>
    row % 41 === 7 ? factor * entry(row, c) : 0
const line =
  (draw: number): Entry =>
  (row, c) =>
    gauss(draw)(row, 0) * (c + 1)

/** Each from three Gaussian entries. */
const KINDS: Readonly<Record<string, (q: Entry, k: Entry, v: Entry, draw: number) => Entries>> = {
  Gaussian: (q, k, v) => [q, k, v],
  constant: () => [column, column, column],
  'nothing but 0': () => [zero, zero, zero],
  'queries of 0': (_, k, v) => [zero, k, v],
  'keys of 0': (q, _, v) => [q, zero, v],
  'values of 0': (q, k) => [q, k, zero],
  'equal keys': (q, _, v) => [q, column, v],
  'equal values': (q, k) => [q, k, column],
  'loud queries': (q, k, v) => [few(q, 3), k, v],
  'loud keys': (q, k, v) => [q, (r, c) => k(r, c) * (r % 41 === 7 ? 6 : 1), v],
  'loud values': (q, k, v) => [q, k, (r, c) => v(r, c) * (r % 41 === 7 ? 1e4 : 1)],
  sparse: (q, k, v) => [few(q), few(k), few(v)],
  'rank 1': (_q, _k, _v, draw) => [line(draw), line(draw + 1), line(draw + 2)],
  'one hot': (_q, _k, v, draw) => [
    (r, c) => (Math.floor(9 * chance(draw, r)) === c ? 2 : 0),
    (r, c) => (Math.floor(9 * chance(draw + 1, r)) === c ? 2 : 0),
    v,
  ],
  huge: (q, k, v) => [times(1e7, q), times(1e-7, k), times(1e15, v)],
  'huge scores': (q, k, v) => [times(1e6, q), times(1e6, k), times(1e12, v)],
  tiny: (q, k, v) => [times(1e-20, q), times(1e-20, k), times(1e-30, v)],
  subnormal: (q, k, v) => [times(1e-41, q), times(1e-41, k), times(1e-41, v)],
  'scales by column': (q, k, v) => [(r, c) => q(r, c) * 10 ** (4 - 2 * c), (r, c) => k(r, c) * 10 ** (2 * c - 4), v],
  'far from 0': (q, k, v) => [q, (r, c) => k(r, c) + 30, (r, c) => v(r, c) + 1000],
  drifting: (q, k, v) => [q, (r, c) => k(r, c) + r / 60, (r, c) => v(r, c) + r / 60],
  integers: (q, k, v) => [(r, c) => Math.round(q(r, c)), (r, c) => Math.round(k(r, c)), (r, c) => Math.round(v(r, c))],
  'sharp as a look-up': (_, k, v, draw) => [(r, c) => 6 * k(Math.floor(chance(draw, r) * (r + 1)), c), times(3, k), v],
  'the end unlike the start': (q, k, v) => [
    (r, c) => (r < 64 ? 0.01 : 4) * q(r, c),
    (r, c) => (r < 64 ? 0.01 : 1) * k(r, c),
    v,
  ],
  'signed zeros': (q, k, v) => [times(0, q), times(-0, k), v],
}

const UNCERTAIN: ReadonlySet<string> = new Set(['huge scores', 'subnormal'])

/** Rows and widths: one row and two, some, more than a check and an inspection look at. */
const SIZES: readonly (readonly [n: number, d: number, dv: number])[] = [
  [1, 3, 2],
  [2, 1, 1],
  [33, 2, 5],
  [90, 4, 3],
  [140, 7, 1],
  [200, 3, 4],
  [300, 1, 2],
  [1100, 2, 2],
]

/** 25 kinds of 8 sizes each: 200 heads. */
export function* anyFiles(): Generator<AnyFile> {
  for (const [at, [kind, entriesOf]] of Object.entries(KINDS).entries())
    for (const [size, [n, d, dv]] of SIZES.entries()) {
      const draw = 1000 * at + 10 * size
      const entries = entriesOf(gauss(draw + 3), gauss(draw + 4), gauss(draw + 5), draw)
      const [queries, keys, values] = entries.map((entry, i) => {
        const cols = i === 2 ? dv : d
        return Float32Array.from({ length: n * cols }, (_, p) => entry(Math.floor(p / cols), p % cols))
      })
      yield { kind, n, d, dv, queries, keys, values, certain: !UNCERTAIN.has(kind) }
    }
}

/** Bytes of the three files. */
export const npyOf = ({ n, d, dv, queries, keys, values }: AnyFile): readonly Uint8Array[] => [
  encodeNpy({ rows: n, cols: d, data: queries }),
  encodeNpy({ rows: n, cols: d, data: keys }),
  encodeNpy({ rows: n, cols: dv, data: values }),
]

/** Attention of all rows in float64, each over the tokens up to its own or all of them. */
export interface Truth {
  readonly outputs: Float64Array // n × dv
  /** The mean of the values that a row sees. */
  readonly means: Float64Array // n × dv
  /** Least and largest score, and with the mean key taken off. */
  readonly scores: readonly [number, number]
  readonly centred: readonly [number, number]
}

export function truthOf({ n, d, dv, queries, keys, values }: AnyFile, causal: boolean): Truth {
  const [outputs, means] = [new Float64Array(n * dv), new Float64Array(n * dv)]
  const mean = new Float64Array(d)
  for (let i = 0; i < keys.length; i++) mean[i % d] += keys[i] / n
  const row = new Float64Array(n)
  const [scores, centred] = [range(), range()]
  for (let i = 0; i < n; i++) {
    const seen = causal ? i + 1 : n
    let [shift, top] = [0, -Infinity]
    for (let c = 0; c < d; c++) shift += queries[i * d + c] * mean[c]
    for (let j = 0; j < seen; j++) {
      let sum = 0
      for (let c = 0; c < d; c++) sum += queries[i * d + c] * keys[j * d + c]
      row[j] = sum / Math.sqrt(d)
      top = Math.max(top, row[j])
      scores.add(row[j])
      centred.add(row[j] - shift / Math.sqrt(d))
    }
    let mass = 0
    for (let j = 0; j < seen; j++) {
      const weight = Math.exp(row[j] - top)
      mass += weight
      for (let c = 0; c < dv; c++) {
        outputs[i * dv + c] += weight * values[j * dv + c]
        means[i * dv + c] += values[j * dv + c] / seen
      }
    }
    for (let c = 0; c < dv; c++) outputs[i * dv + c] /= mass
  }
  return { outputs, means, scores: scores.read(), centred: centred.read() }
}

function range() {
  let [low, high] = [Infinity, -Infinity]
  return {
    add(x: number) {
      low = Math.min(low, x)
      high = Math.max(high, x)
    },
    read: () => [low, high] as const,
  }
}

/** ‖a − b‖/‖b‖, and 0 or 1 where b is 0. */
export function relative(a: ArrayLike<number>, b: Float64Array): number {
  let [distance, norm] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    distance += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  return distance === 0 ? 0 : norm === 0 ? 1 : Math.sqrt(distance / norm)
}
