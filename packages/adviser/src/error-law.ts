import { matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { boxed } from './within-the-values'
import type { GaussianModel } from './gaussian-model'
import type { Sample } from './sample'
import { permuted, signed } from './shuffled'
import type { Weights } from './summaries'

/** A mean square over queries as a function of the number of independent tokens. */
export type ErrorLaw = (n: number) => number

/** Cuts of a sample in two. */
const SPLITS = 4
/** Times that chance is asked what it would show. */
const SHUFFLES = 16
/** Standard errors by which a limit must stand out from chance. */
const SIGNIFICANT = 3
/** The share of the pilot's queries, those of mildest scores, that is measured: of the others there are too few to be typical. */
const BULK = 0.95
/** Below this share of the mass of plain averages centred features fall back; here to averages. */
const LEAST_MASS = 2 ** -3
/** Queries of a model between two rests. */
const PIECE = 64

/**
 * ‖answers by a summary less exact ones‖² as the pilot's own tokens show it, without the queries of widest scores: limit + sampling/n.
 *
 * Over two disjoint halves A and B, ⟨a(A), a(B)⟩ estimates ‖E a‖² without bias: the limit. The same statistic on shuffled values, where
 * nothing is to be found, tells how large chance makes it: a limit within SIGNIFICANT standard errors of that is set to 0, for the pilot cannot see it.
 * The excess of ‖a(A)‖² over the limit falls as 1/n.
 *
 * Cost: as of 20 products of queries × tokens × dv. It rests after each.
 *
 * @param exact  softmax's weights
 * @param approximate  absent for the outputs themselves
 */
export function* measuredLaw(
  sample: Sample,
  exact: Float64Array,
  tokens: number,
  approximate?: Weights,
): Generator<void, ErrorLaw> {
  const { values, spreads } = sample
  const order = Array.from(spreads.keys()).toSorted((a, b) => spreads[a] - spreads[b])
  const bulk = order.slice(0, Math.ceil(BULK * order.length))
  const mixed = approximate && mixture(approximate, exact, tokens)
  const cuts = Array.from({ length: SPLITS }, (_, split) =>
    halves(values.rows, split).map((chosen) => ({
      chosen,
      own: mixed && shares(mixed, sample, chosen, { least: LEAST_MASS }),
      other: shares(exact, sample, chosen),
    })),
  )
  const measure = (values: Matrix, splits: number) => {
    let [cross, square] = [0, 0]
    for (const pair of cuts.slice(0, splits)) {
      const [a, b] = pair.map(({ chosen, own, other }) => off(own, other, rowsAt(values, chosen), approximate)) as [
        Matrix,
        Matrix,
      ]
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

/**
 * The same in the Gaussian model: ‖Σ(shares less exact)·values‖² over the population, plus 1/n of the variance of one token's part in the
 * answer, folded or still held, plus what the noise in the values adds to that.
 */
export function* modelledLaw(
  model: GaussianModel,
  exact: Float64Array,
  approximate?: Weights,
): Generator<void, ErrorLaw> {
  const { sample, tokenShares, queryShares, residual, tokens } = model
  const { values } = sample
  const { rows, cols } = values
  const all = Uint32Array.from({ length: rows }, (_, i) => i)
  const mixed = approximate && mixture(approximate, exact, tokens)
  const held = approximate ? Math.min(1, approximate.held / tokens) : 0
  const ownShares = mixed && shares(mixed, sample, all, { counts: tokenShares, least: LEAST_MASS })
  const ownAnswers =
    ownShares && (approximate.boxed ? boxed(times(ownShares, values), values) : times(ownShares, values))
  const truth = times(shares(exact, sample, all, { counts: tokenShares }), values)
  /** Contribution of one token to an answer, times the number of tokens: at most that number, since no share exceeds 1. */
  const density = (x: number) => x / (1 + Math.abs(x) / tokens)
  const massOf = (weights: Float64Array, r: number) => {
    let mass = 0
    for (let j = 0; j < rows; j++) if (tokenShares[j] > 0) mass += tokenShares[j] * weights[r * rows + j]
    return mass
  }
  let [sampling, noise, square, chance] = [0, 0, 0, 0]
  for (const [r, share] of queryShares.entries()) {
    if (r % PIECE === 0) yield
    if (share === 0) continue
    const mass = massOf(exact, r)
    const ownMass = mixed ? massOf(mixed, r) : 0
    const sound = ownMass > LEAST_MASS
    /** ‖a token's part in the summary's answer less its part in the exact one‖², its densities there being a and b. */
    const part = (a: number, b: number, j: number) => {
      let square = 0
      for (let c = 0; c < cols; c++) {
        const value = values.data[j * cols + c]
        const own = ownAnswers ? a * (value - ownAnswers.data[r * cols + c]) : 0
        square += (own - b * (value - truth.data[r * cols + c])) ** 2
      }
      return square
    }
    const add = (probability: number, a: number, b: number, j: number) => {
      sampling += share * probability * part(a, b, j)
      noise += share * probability * (a - b) ** 2
    }
    for (let j = 0; j < rows; j++) {
      const count = tokenShares[j]
      if (count === 0) continue
      const weight = exact[r * rows + j]
      const b = density(weight / mass)
      if (!mixed || !approximate) {
        add(count, 0, b, j)
        chance += share * count ** 2 * part(0, weight / mass, j)
        continue
      }
      add(count * (1 - held), sound ? density(approximate.weights[r * rows + j] / ownMass) : 1, b, j)
      if (held > 0) add(count * held, sound ? density(weight / ownMass) : 1, b, j)
      chance += share * count ** 2 * part(sound ? mixed[r * rows + j] / ownMass : 1, weight / mass, j)
    }
    for (let i = r * cols; i < (r + 1) * cols; i++) square += share * ((ownAnswers?.data[i] ?? 0) - truth.data[i]) ** 2
  }
  const limit = Math.max(0, square - chance) // what the drawn tokens show of the population is off by chance
  return (n) => limit + (sampling + residual * noise) / n
}

/** Weights of a stream that holds a few of its tokens exactly and has folded the others. */
function mixture({ weights, held }: Weights, exact: Float64Array, tokens: number): Float64Array {
  const part = Math.min(1, held / tokens)
  return weights.map((weight, i) => (part === 0 ? weight : (1 - part) * weight + part * exact[i]))
}

/** Each row's weights of the chosen tokens over their sum, or averages where a stream falls back: queries × chosen. */
function shares(
  weights: Float64Array,
  { queries, keys }: Sample,
  chosen: Uint32Array,
  { counts, least = 0 }: { readonly counts?: Float64Array; readonly least?: number } = {},
): Float64Array {
  const out = new Float64Array(queries.rows * chosen.length)
  const all = counts ? counts.reduce((a, b) => a + b, 0) : chosen.length
  for (let r = 0, at = 0; r < queries.rows; r++, at += chosen.length) {
    let mass = 0
    for (let c = 0; c < chosen.length; c++) {
      const count = counts?.[c] ?? 1
      const weight = count === 0 ? 0 : weights[r * keys.rows + chosen[c]] * count
      out[at + c] = weight
      mass += weight
    }
    const sound = mass > least * all
    for (let c = 0; c < chosen.length; c++) out[at + c] = sound ? out[at + c] / mass : (counts?.[c] ?? 1) / all
  }
  return out
}

/** Two disjoint halves of 0 … m − 1: rows apart by 1, 2, 4, … rows. */
function halves(m: number, split: number): [Uint32Array, Uint32Array] {
  const side = (wanted: number) =>
    Uint32Array.from(Array.from({ length: m }, (_, i) => i).filter((i) => ((i >> split) & 1) === wanted))
  return [side(0), side(1)]
}

/** The rows `chosen`. */
function rowsAt(source: Matrix, chosen: Uint32Array): Matrix {
  const { cols } = source
  const out = matrix(chosen.length, cols)
  for (const [to, from] of chosen.entries()) {
    out.data.set(source.data.subarray(from * cols, (from + 1) * cols), to * cols)
  }
  return out
}

/** Approximate answers less exact ones; the exact ones where there is no approximation. */
function off(own: Float64Array | undefined, other: Float64Array, values: Matrix, approximate?: Weights): Matrix {
  if (!own) return times(other, values)
  if (!approximate?.boxed) {
    const difference = own.map((x, i) => x - other[i])
    return times(difference, values)
  }
  const answers = boxed(times(own, values), values)
  const truth = times(other, values)
  return { ...answers, data: answers.data.map((x, i) => x - truth.data[i]) }
}

function times(shares: Float64Array, values: Matrix): Matrix {
  const out = matrix(shares.length / values.rows, values.cols)
  kernels().product('nn', out.data, Float32Array.from(shares), values.data, out.rows, values.rows, values.cols)
  return out
}
