import type { PlanShape } from './check-options'
import { halvedPilot, measuredLaw, type ErrorLaw } from './error-law'
import { gaussianModel } from './gaussian-model'
import type { Answer, Considered, PlanError } from './plan-types'
import { answeredModel, modelledLaw } from './modelled-law'
import type { MeasuredPilot } from './sample'
import { relative } from './relative-error'
import { NONZEROS, ONE_PASS, sketchBytes, type Phi, type Psi } from './sketches'
import type { Step } from './tournament'
import { AVERAGES, softmaxWeights, summaries, weightsOf, type Summary } from './summaries'

/** Shares of ε²: half for the features and half for Ψ, where there is one. */
const PSI_SHARE = 0.5

export interface Predicted {
  /** The smallest summary that meets ε, or the most exact where none does; absent where none fits. */
  readonly answer?: Answer | undefined
  /** The error of the mean of the values. */
  readonly average: number
  readonly considered: readonly Considered[]
}

/**
 * Predicts summaries on a pilot by formulas. The Gaussian model takes seconds, so it is made only where a summary meets ε on the pilot, or
 * where nothing will be measured.
 *
 * @param isLast  whether nothing will be measured: there is then an answer even if none meets ε
 */
export function* predicted(shape: PlanShape, pilot: MeasuredPilot, isLast: boolean): Generator<Step, Predicted> {
  const { tokens: n, d, dv, epsilon, keysAndValuesTogether, budgetBytes } = shape
  const cacheBytes = 4 * n * (d + dv)
  const over = (law: ErrorLaw) => meanOver(law, shape)
  const halved = halvedPilot(pilot, softmaxWeights(pilot))
  const enough = Math.min(budgetBytes, Math.max(2 * cacheBytes, 2 ** 20))
  const all = summaries(shape, pilot, enough)
  const tried: Tried[] = []
  const standing = (): Step => ({ round: 0, rounds: 1, done: tried.length, candidates: all.length })
  const output = over(yield* resting(measuredLaw(halved, n), standing)) // ‖o‖², mean over queries
  const onPilot = function* (summary: Summary): Generator<Step, number> {
    const weights = weightsOf(summary, pilot, { scale: shape.scale, centre: pilot.meanKey, n })
    return relative(over(yield* resting(measuredLaw(halved, n, weights), standing)), output)
  }
  let inModel: ((summary: Summary) => Generator<void, number>) | undefined
  const modelled = function* (one: Tried): Generator<Step, Tried> {
    yield standing()
    inModel ??= yield* resting(errorsInModel(shape, pilot), standing)
    if (!one.isModelled) one.polynomial = Math.max(one.polynomial, yield* resting(inModel(one.summary), standing))
    one.isModelled = true
    return one
  }

  const share = keysAndValuesTogether ? 1 : Math.sqrt(PSI_SHARE)
  const meetsIt = ({ polynomial }: Tried) => polynomial <= share * epsilon
  for (const summary of all) {
    yield standing()
    const one: Tried = { summary, polynomial: yield* onPilot(summary), isModelled: false }
    tried.push(one)
    if (meetsIt(one)) yield* modelled(one) // the model can only raise the error
    if (meetsIt(one) && tried.some(isAverage)) break
  }
  const average = tried.find(isAverage)
  if (average && (inModel || isLast)) yield* modelled(average)
  let best = tried.find(meetsIt)
  if (!best && isLast && tried.length > 0) {
    const least = () => tried.reduce((a, b) => (b.polynomial < a.polynomial ? b : a))
    for (best = least(); !best.isModelled; best = least()) yield* modelled(best)
  }
  const considered = tried.map(({ summary: { name, options, bytes }, polynomial }): Considered => ({
    name,
    options,
    evidence: 'predicted',
    bytes,
    error: polynomial,
  }))
  return {
    ...(best && { answer: answerOf(shape, pilot, { ...best, output, isMet: meetsIt(best) }) }),
    average: average?.polynomial ?? Infinity,
    considered,
  }
}

interface Tried {
  readonly summary: Summary
  polynomial: number
  isModelled: boolean
}

const isAverage = ({ summary }: Tried) => summary.name === AVERAGES

/** Runs work that rests in silence as work that reports where it stands at each rest. */
function* resting<Result>(work: Generator<void, Result>, standing: () => Step): Generator<Step, Result> {
  for (;;) {
    const piece = work.next()
    if (piece.done) return piece.value
    yield standing()
  }
}

/** Errors of a summary in the Gaussian model of a pilot, relative to the outputs there. */
function* errorsInModel(
  shape: PlanShape,
  pilot: MeasuredPilot,
): Generator<void, (summary: Summary) => Generator<void, number>> {
  const { tokens, scale } = shape
  const model = gaussianModel(pilot, scale, tokens)
  yield
  const answered = answeredModel(model, softmaxWeights(model.sample))
  const over = (law: ErrorLaw) => meanOver(law, shape)
  const output = over(yield* modelledLaw(answered))
  return function* (summary) {
    const weights = weightsOf(summary, model.sample, { scale, centre: pilot.meanKey, n: tokens })
    yield
    return relative(over(yield* modelledLaw(answered, weights)), output)
  }
}

/** A summary with the sketches that it needs. */
function answerOf(
  { tokens: n, dv, epsilon, keysAndValuesTogether, task, k, seed }: PlanShape,
  pilot: MeasuredPilot,
  {
    summary,
    polynomial,
    output,
    isMet,
  }: { readonly summary: Summary; readonly polynomial: number; readonly output: number; readonly isMet: boolean },
): Answer {
  const { name, method, options, features, bytes } = summary
  const psi: Psi | undefined = keysAndValuesTogether
    ? undefined
    : {
        kind: 'osnap',
        m: psiRows(pilot, output, isMet ? epsilon ** 2 - polynomial ** 2 : epsilon ** 2),
        seed: String(seed),
      }
  const phi: Phi | undefined =
    task === 'columns' ? { n, k: k!, epsilon: Math.min(1, epsilon), seed: String(seed) } : undefined
  const psiPart = psi ? psiError(pilot, output, psi.m) : 0
  const phiPart = phi ? (1 + phi.epsilon) * tailShare(pilot, phi) : 0
  const float32 = float32Error(pilot, summary)
  const error: PlanError = {
    polynomial,
    psi: psiPart,
    phi: phiPart,
    float32,
    total: Math.hypot(polynomial, psiPart, phiPart, float32),
  }
  const sketches = features ? sketchBytes(features, dv, { ...(psi && { psi }), ...(phi && { phi }) }) : {}
  const parts = psi ? { map: features!.spec.length, ...sketches } : { stream: bytes, ...sketches }
  const held = psi
    ? { method: ONE_PASS, options: { features: features!.spec, psi } }
    : { method: method as string, options }
  return { name, ...held, ...(phi && { phi }), evidence: 'predicted', error, parts }
}

const HELD = 64
const STEPS = 24

/**
 * The mean of a law over queries: those after all n tokens; or, for a causal task, those of token i over the first i, i = 1 … n, in steps of equal ratio. The
 * first HELD tokens are held exactly: they add no error, but their outputs count.
 */
function meanOver(law: ErrorLaw, { tokens: n, task }: PlanShape): number {
  if (task !== 'causal') return law(n)
  if (n <= HELD) return law(n)
  const ratio = (n / HELD) ** (1 / STEPS)
  let total = 0
  for (let step = 0, from = HELD; step < STEPS; step++, from *= ratio)
    total += law(from * Math.sqrt(ratio)) * from * (ratio - 1)
  return total / (n - HELD)
}

/** Sums over columns the variance of Ψ's error a query, times m: ‖P − mean‖²·‖V_c − mean‖² + ⟨P, V_c − mean⟩². */
function psiEnergy({ values, weights, keys, queries }: MeasuredPilot): number {
  let concentration = 0
  for (let r = 0; r < queries.rows; r++) {
    let [mass, energy] = [0, 0]
    for (const weight of weights.subarray(r * keys.rows, (r + 1) * keys.rows)) {
      mass += weight
      energy += weight * weight
    }
    concentration += (energy / mass ** 2) * (keys.rows / queries.rows)
  }
  const { rows, cols, data } = values
  let variance = 0
  for (let c = 0; c < cols; c++) {
    let [sum, squares] = [0, 0]
    for (let r = 0; r < rows; r++) {
      sum += data[r * cols + c]
      squares += data[r * cols + c] ** 2
    }
    variance += Math.max(0, squares / rows - (sum / rows) ** 2)
  }
  return Math.max(0, concentration - 1) * variance
}

function psiError(pilot: MeasuredPilot, output: number, m: number): number {
  return relative(psiEnergy(pilot) / m, output)
}

/** The number of rows of Ψ for this relative squared error, a multiple of its nonzeros. */
function psiRows(pilot: MeasuredPilot, output: number, square: number): number {
  const rows = output > 0 ? psiEnergy(pilot) / square / output : 0
  return NONZEROS * Math.ceil(Math.min(2 ** 26, Math.max(NONZEROS, rows)) / NONZEROS)
}

/** The ratio of tail_k to the norm of an output column, averaged over columns, from the pilot's queries: k of n queries count as k·m/n of m. */
function tailShare(
  { keys, values, weights, queries }: MeasuredPilot,
  { n, k }: { readonly n: number; readonly k: number },
): number {
  const { rows } = queries
  const own = (k * rows) / n
  let mean = 0
  for (let c = 0; c < values.cols; c++) {
    const outputs = new Float64Array(rows)
    for (let r = 0; r < rows; r++) {
      let [sum, mass] = [0, 0]
      for (let j = 0; j < keys.rows; j++) {
        const weight = weights[r * keys.rows + j]
        sum += weight * values.data[j * values.cols + c]
        mass += weight
      }
      outputs[r] = (sum / mass) ** 2
    }
    const squares = outputs.toSorted((a, b) => b - a)
    const sum = squares.reduce((a, b) => a + b, 0)
    let head = 0
    for (let i = 0; i < rows; i++) head += squares[i] * Math.min(1, Math.max(0, own - i))
    mean += sum > 0 ? Math.sqrt(Math.max(0, 1 - head / sum)) / values.cols : 0
  }
  return mean
}

/** The float32 error: 2⁻²⁴ times the mean over queries of Σe^{|s|}/Σe^s, that is, the rounding of the terms against their sum. */
function float32Error({ weights, tops, keys, queries }: MeasuredPilot, { features }: Summary): number {
  if (!features) return 2 ** -24
  let mean = 0
  for (let r = 0; r < queries.rows; r++) {
    let [sum, sizes] = [0, 0]
    const mirrored = Math.exp(-2 * tops[r]) // e^{−s − top} = mirrored / e^{s − top}
    for (const weight of weights.subarray(r * keys.rows, (r + 1) * keys.rows)) {
      sum += weight
      sizes += Math.max(weight, mirrored / weight)
    }
    mean += sizes / sum / queries.rows
  }
  return 2 ** -24 * mean
}
