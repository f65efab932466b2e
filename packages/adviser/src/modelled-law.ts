import type { Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { LEAST_MASS, times, type ErrorLaw } from './error-law'
import type { GaussianModel } from './gaussian-model'
import { countedShares, mixture } from './shares'
import type { Weights } from './summaries'
import { withinTheValues } from './within-the-values'

/** Queries of a model between two rests, in which the event loop gets its turn. */
const PIECE = 64

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
  const answers = times(countedShares(weights, sample, tokenShares, least), values)
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
  const { model, exact, answers: truth } = answered
  const { sample, queryShares, residual, tokens } = model
  const { values } = sample
  const { cols } = values
  const mixed = approximate && mixture(approximate, exact, tokens)
  const held = approximate ? Math.min(1, approximate.held / tokens) : 0
  const ownAnswers = mixed && answersIn(model, mixed, LEAST_MASS, approximate.isWithinValues)
  const shift = ownAnswers && shiftOf(truth, ownAnswers, values)
  const sums = { square: 0, chance: 0, sampling: 0, noise: 0 }
  for (const [r, share] of queryShares.entries()) {
    if (r % PIECE === 0) yield
    if (share === 0) continue
    addQuery(sums, answered, r, approximate && mixed && shift && { approximate, mixed, shift, held })
    if (shift) sums.square += share * shift.squares[r]
    else for (let i = r * cols; i < (r + 1) * cols; i++) sums.square += share * truth.data[i] ** 2
  }
  const { square, chance, sampling, noise } = sums
  const limit = Math.max(0, square - chance) // the square that the drawn tokens show, without what chance adds to it
  return (n) => limit + (Math.max(0, sampling) + residual * noise) / n
}

/** Sums over queries and tokens. */
interface LawSums {
  square: number
  chance: number
  sampling: number
  noise: number
}

/** A summary as the law needs it: its weights, those with the part that is held exactly, and its distance from the truth. */
interface Compared {
  readonly approximate: Weights
  readonly mixed: Float64Array
  readonly shift: Shift
  readonly held: number
}

/** Adds one query's parts over all tokens. Sums are locals of a plain function: in a generator, or where a closure reads them, each addition would be an allocation. */
function addQuery(sums: LawSums, { model, exact, masses, distances }: AnsweredModel, r: number, own?: Compared): void {
  const { tokenShares, queryShares, tokens } = model
  const rows = tokenShares.length
  const [share, mass] = [queryShares[r], masses[r]]
  let { chance, sampling, noise } = sums
  if (!own) {
    for (let j = 0, at = r * rows; j < rows; j++, at++) {
      const count = tokenShares[j]
      if (count === 0) continue
      const [part, distance] = [exact[at] / mass, distances[at]]
      const b = density(part, tokens)
      sampling += share * count * b * b * distance
      noise += share * count * b * b
      chance += share * count ** 2 * part ** 2 * distance
    }
  } else {
    const { approximate, mixed, shift, held } = own
    const ownMass = massOf(model, mixed, r)
    const sound = ownMass > LEAST_MASS
    const shiftSquare = shift.squares[r]
    for (let j = 0, at = r * rows; j < rows; j++, at++) {
      const count = tokenShares[j]
      if (count === 0) continue
      const [weight, distance, along] = [exact[at], distances[at], shift.along[at]]
      const b = density(weight / mass, tokens)
      const summed = sound ? density(approximate.weights[at] / ownMass, tokens) : 1
      sampling += share * count * (1 - held) * part(summed, b, distance, along, shiftSquare)
      noise += share * count * (1 - held) * (summed - b) ** 2
      if (held > 0) {
        const kept = sound ? density(weight / ownMass, tokens) : 1
        sampling += share * count * held * part(kept, b, distance, along, shiftSquare)
        noise += share * count * held * (kept - b) ** 2
      }
      const all = sound ? mixed[at] / ownMass : 1
      chance += share * count ** 2 * part(all, weight / mass, distance, along, shiftSquare)
    }
  }
  Object.assign(sums, { chance, sampling, noise })
}

/** Contribution of one token to an answer, times the number of tokens: at most that number, since no share exceeds 1. */
function density(x: number, tokens: number): number {
  return x / (1 + Math.abs(x) / tokens)
}
