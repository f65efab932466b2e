import { matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { withinTheValues } from './within-the-values'
import type { GaussianModel } from './gaussian-model'
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
const LEAST_MASS = 2 ** -3
/** Queries of a model between two rests, in which the event loop gets its turn. */
const PIECE = 64

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
      const own = mixed && shares(mixed, sample, chosen, { least: LEAST_MASS })
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

/** A Gaussian model with its exact answers; the same for every summary. */
export interface AnsweredModel {
  readonly model: GaussianModel
  /** Weights of softmax. */
  readonly exact: Float64Array
  readonly answers: Matrix
  /** The exact mass of each query. */
  readonly masses: Float64Array
  /** ‖value − exact answer‖², queries × tokens. */
  readonly distances: Float64Array
}

/** Answers a model's queries exactly. Cost: three passes over queries × tokens, and two products. */
export function answeredModel(model: GaussianModel, exact: Float64Array): AnsweredModel {
  const answers = answersIn(model, exact)
  const masses = Float64Array.from(model.queryShares, (share, r) => (share === 0 ? 0 : massOf(model, exact, r)))
  return { model, exact, answers, masses, distances: distancesOf(answers, model.sample.values) }
}

function distancesOf(answers: Matrix, { rows, cols, data }: Matrix): Float64Array {
  const out = new Float64Array(answers.rows * rows)
  for (let r = 0, at = 0; r < answers.rows; r++) {
    for (let j = 0, value = 0; j < rows; j++, at++) {
      let square = 0
      for (let c = r * cols, end = c + cols; c < end; c++, value++) square += (data[value] - answers.data[c]) ** 2
      out[at] = square
    }
  }
  return out
}

function answersIn({ sample, tokenShares }: GaussianModel, weights: Float64Array, least = 0, isWithin = false): Matrix {
  const { values } = sample
  const all = Uint32Array.from({ length: values.rows }, (_, i) => i)
  const out = new Float32Array(weights.length)
  const answers = times(shares(weights, sample, all, { counts: tokenShares, least, out }), values)
  return isWithin ? withinTheValues(answers, values) : answers
}

function massOf({ sample, tokenShares }: GaussianModel, weights: Float64Array, r: number): number {
  const { rows } = sample.values
  let mass = 0
  for (let j = 0; j < rows; j++) if (tokenShares[j] > 0) mass += tokenShares[j] * weights[r * rows + j]
  return mass
}

/** How far a summary's answers are from the exact ones, and every value's part in that direction. */
interface Shift {
  /** ⟨value − exact answer, exact − own⟩, queries × tokens. */
  readonly along: Float32Array
  /** ‖exact − own‖² by query. */
  readonly squares: Float64Array
}

/** Compares answers. Cost: a product. */
function shiftOf(truth: Matrix, own: Matrix, values: Matrix): Shift {
  const { rows, cols } = truth
  const difference = truth.data.map((x, i) => x - own.data[i])
  const along = new Float32Array(rows * values.rows)
  kernels().product('nt', along, difference, values.data, rows, cols, values.rows)
  const squares = new Float64Array(rows)
  for (let r = 0, i = 0; r < rows; r++) {
    let mean = 0
    for (const end = i + cols; i < end; i++) {
      squares[r] += difference[i] ** 2
      mean += difference[i] * truth.data[i]
    }
    for (let at = r * values.rows, end = at + values.rows; at < end; at++) along[at] -= mean
  }
  return { along, squares }
}

/**
 * ‖a·(value − own answer) − b·(value − exact answer)‖², where the value lies √distance from the exact answer, and the exact answer √square from the own one;
 * `along` is ⟨value − exact answer, exact − own⟩.
 */
function part(a: number, b: number, distance: number, along: number, square: number): number {
  return (a - b) ** 2 * distance + 2 * a * (a - b) * along + a * a * square
}

/**
 * The law of the same error in the Gaussian model: ‖Σ(summary's shares − exact shares)·values‖² over the population, plus 1/n of the variance of one token's
 * part in the answer, summed up or still held, plus the error that the noise in the values adds.
 *
 * Cost: four passes over queries × tokens, and two products.
 */
export function* modelledLaw(answered: AnsweredModel, approximate?: Weights): Generator<void, ErrorLaw> {
  const { model, exact, answers: truth, masses, distances } = answered
  const { sample, tokenShares, queryShares, residual, tokens } = model
  const { values } = sample
  const { rows, cols } = values
  const mixed = approximate && mixture(approximate, exact, tokens)
  const held = approximate ? Math.min(1, approximate.held / tokens) : 0
  const ownAnswers = mixed && answersIn(model, mixed, LEAST_MASS, approximate.isWithinValues)
  const shift = ownAnswers && shiftOf(truth, ownAnswers, values)
  /** Contribution of one token to an answer, times the number of tokens: at most that number, since no share exceeds 1. */
  const density = (x: number) => x / (1 + Math.abs(x) / tokens)
  let [square, chance, sampling, noise] = [0, 0, 0, 0]
  for (const [r, share] of queryShares.entries()) {
    if (r % PIECE === 0) yield
    if (share === 0) continue
    const mass = masses[r]
    const ownMass = mixed ? massOf(model, mixed, r) : 0
    const sound = ownMass > LEAST_MASS
    const shiftSquare = shift?.squares[r] ?? 0
    for (let j = 0, at = r * rows; j < rows; j++, at++) {
      const count = tokenShares[j]
      if (count === 0) continue
      const [weight, distance] = [exact[at], distances[at]]
      const b = density(weight / mass)
      if (!mixed || !approximate || !shift) {
        sampling += share * count * b * b * distance
        noise += share * count * b * b
        chance += share * count ** 2 * (weight / mass) ** 2 * distance
        continue
      }
      const along = shift.along[at]
      const summed = sound ? density(approximate.weights[at] / ownMass) : 1
      sampling += share * count * (1 - held) * part(summed, b, distance, along, shiftSquare)
      noise += share * count * (1 - held) * (summed - b) ** 2
      if (held > 0) {
        const kept = sound ? density(weight / ownMass) : 1
        sampling += share * count * held * part(kept, b, distance, along, shiftSquare)
        noise += share * count * held * (kept - b) ** 2
      }
      const own = sound ? mixed[at] / ownMass : 1
      chance += share * count ** 2 * part(own, weight / mass, distance, along, shiftSquare)
    }
    if (shift) square += share * shiftSquare
    else for (let i = r * cols; i < (r + 1) * cols; i++) square += share * truth.data[i] ** 2
  }
  const limit = Math.max(0, square - chance) // the square that the drawn tokens show, without what chance adds to it
  return (n) => limit + (Math.max(0, sampling) + residual * noise) / n
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

function times(shares: Float32Array, values: Matrix): Matrix {
  const out = matrix(shares.length / values.rows, values.cols)
  kernels().product('nn', out.data, shares, values.data, out.rows, values.rows, values.cols)
  return out
}
