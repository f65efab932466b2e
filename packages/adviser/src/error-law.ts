import { matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { withinTheValues } from './within-the-values'
import type { Sample } from './sample'
import { mixture, shares } from './shares'
import { permuted, signed } from './shuffled'
import type { Weights } from './summaries'

/** A mean square over queries as a function of the number of independent tokens. */
export type ErrorLaw = (n: number) => number

/** Ways in which a sample is cut in two. */
const SPLITS = 4
/** How often values are shuffled, to see what chance would show. */
const SHUFFLES = 16
/** Standard errors by which a limit must exceed chance. */
const SIGNIFICANT = 3
/** The share of the pilot's queries that is measured, those of the mildest scores: of the others there are too few to be typical. */
const BULK = 0.95
/** Share of the mass of plain averages below which centred features fall back; here they fall back to averages. */
export const LEAST_MASS = 2 ** -3

/** A pilot cut in two, in several ways, with the exact shares of each half; the same for every summary. */
export interface HalvedPilot {
  readonly sample: Sample
  /** Weights of softmax. */
  readonly exact: Float64Array
  readonly halves: readonly (readonly [Half, Half])[]
}

interface Half {
  readonly chosen: Uint32Array
  /** Exact shares of the chosen tokens: queries × chosen. */
  readonly shares: Float64Array
}

/** Cuts a pilot in halves. Cost: SPLITS passes over queries × tokens. */
export function halvedPilot(sample: Sample, exact: Float64Array): HalvedPilot {
  const half = (chosen: Uint32Array): Half => ({ chosen, shares: shares(exact, sample, chosen) })
  return {
    sample,
    exact,
    halves: Array.from({ length: SPLITS }, (_, split) => {
      const [a, b] = halves(sample.values.rows, split)
      return [half(a), half(b)] as const
    }),
  }
}

/**
 * The law of ‖answers by a summary − exact answers‖², measured on the pilot's own tokens without the queries of the widest scores: limit + sampling/n.
 *
 * Over two disjoint halves A and B, ⟨a(A), a(B)⟩ estimates ‖E a‖² without bias: the limit. The same statistic on shuffled values
 * tells how large chance makes it: a limit within SIGNIFICANT standard errors of chance is set to 0, since the pilot cannot see it.
 * The excess of ‖a(A)‖² over the limit falls as 1/n.
 *
 * Cost: 20 products of queries × tokens × dv. It rests after each.
 *
 * @param approximate  shares of the summary; absent: the law of ‖exact answers‖²
 */
export function* measuredLaw(
  { sample, exact, halves: cuts }: HalvedPilot,
  tokens: number,
  approximate?: Weights,
): Generator<void, ErrorLaw> {
  const { values, spreads } = sample
  const order = Array.from(spreads.keys()).toSorted((a, b) => spreads[a] - spreads[b])
  const bulk = order.slice(0, Math.ceil(BULK * order.length))
  const mixed = approximate && mixture(approximate, exact, tokens)
  const errorsOf = cuts.map((pair) =>
    pair.map(({ chosen, shares: other }) => {
      const own = mixed && shares(mixed, sample, chosen, LEAST_MASS)
      const error = errorOf(own, other, approximate?.isWithinValues)
      return (all: Matrix) => error(rowsAt(all, chosen))
    }),
  )
  const measure = (values: Matrix, splits: number) => {
    let [cross, square] = [0, 0]
    for (const pair of errorsOf.slice(0, splits)) {
      const [a, b] = pair.map((error) => error(values)) as [Matrix, Matrix]
      for (const r of bulk) {
        for (let i = r * a.cols; i < (r + 1) * a.cols; i++) {
          cross += (a.data[i] * b.data[i]) / splits / bulk.length
          square += (a.data[i] ** 2 + b.data[i] ** 2) / 2 / splits / bulk.length
        }
      }
    }
    return { cross, square }
  }
  yield
  const { cross, square } = measure(values, SPLITS)
  const shuffled = (approximate ? permuted : signed)(values)
  const chance: number[] = []
  for (let round = 0; round < SHUFFLES; round++) {
    yield
    chance.push(measure(shuffled(round), 1).cross)
  }
  const mean = chance.reduce((a, b) => a + b, 0) / SHUFFLES
  const deviation = Math.sqrt(chance.reduce((a, b) => a + (b - mean) ** 2, 0) / (SHUFFLES - 1))
  const limit = cross - mean > SIGNIFICANT * deviation ? cross : 0
  const sampling = Math.max(0, square - limit) * Math.floor(values.rows / 2)
  return (n) => limit + sampling / n
}

/** Cuts 0 … m − 1 into two disjoint halves: rows that lie 1, 2, 4, … apart. */
function halves(m: number, split: number): [Uint32Array, Uint32Array] {
  const side = (wanted: number) =>
    Uint32Array.from(Array.from({ length: m }, (_, i) => i).filter((i) => ((i >> split) & 1) === wanted))
  return [side(0), side(1)]
}

/** The chosen rows of a matrix. */
function rowsAt(source: Matrix, chosen: Uint32Array): Matrix {
  const { cols } = source
  const out = matrix(chosen.length, cols)
  for (const [to, from] of chosen.entries()) {
    out.data.set(source.data.subarray(from * cols, (from + 1) * cols), to * cols)
  }
  return out
}

/** The error of answers by `own` shares, for values given later; the exact answers where `own` is absent. */
function errorOf(own: Float64Array | undefined, other: Float64Array, isWithin = false): (values: Matrix) => Matrix {
  if (!own) {
    const exact = new Float32Array(other)
    return (values) => times(exact, values)
  }
  if (!isWithin) {
    const difference = new Float32Array(own.length)
    for (let i = 0; i < own.length; i++) difference[i] = own[i] - other[i]
    return (values) => times(difference, values)
  }
  const [approximate, exact] = [own, other].map((part) => new Float32Array(part))
  return (values) => {
    const answers = withinTheValues(times(approximate, values), values)
    const truth = times(exact, values)
    return { ...answers, data: answers.data.map((x, i) => x - truth.data[i]) }
  }
}

/** Multiplies shares, rows × tokens, by values. */
export function times(shares: Float32Array, values: Matrix): Matrix {
  const out = matrix(shares.length / values.rows, values.cols)
  kernels().product('nn', out.data, shares, values.data, out.rows, values.rows, values.cols)
  return out
}
