import { AVERAGES, candidates, softmaxWeights, total, weightsOf, type Candidate } from './candidates'
import { costOf } from './cost'
import { measuredLaw, modelledLaw, type ErrorLaw } from './error-law'
import { gaussianModel } from './gaussian-model'
import type { MeasuredPilot } from './pilot'
import type { Considered, Plan, PlanError, PlanOptions } from './plan'
import { NONZEROS, sketchBytes, type StreamPlan } from './stream-plan'
import { verdictOf } from './verdict'

/** The options of a plan, complete. */
export type PlanShape = Required<Omit<PlanOptions, 'pilot' | 'radius' | 'k' | 'seed'>> &
  Pick<PlanOptions, 'k'> & { readonly seed: bigint }

/** Half of ε² for features and half for Ψ, where there is one. */
const PSI_SHARE = 0.5

/** The plan that trying candidates on a pilot leads to: the smallest that meets ε, or the best of all. */
export function predictedPlan(shape: PlanShape, pilot: MeasuredPilot): Plan {
  const { n, d, dv, epsilon, keysAndValuesTogether, budgetBytes, task } = shape
  const cacheBytes = 4 * n * (d + dv)
  const model = gaussianModel(pilot, shape.scale, n)
  const over = (law: ErrorLaw) => meanOver(law, shape)
  const [exact, exactInModel] = [softmaxWeights(pilot), softmaxWeights(model.sample)]
  // ‖o‖², mean over queries: by the pilot and by its model, each for its own errors.
  const output = over(measuredLaw(pilot, exact, n))
  const modelled = over(modelledLaw(model, exactInModel))
  const onPilot = (candidate: Candidate) =>
    Math.sqrt(over(measuredLaw(pilot, exact, n, weightsOf(candidate, pilot, shape.scale, n))) / output)
  const inModel = (candidate: Candidate) =>
    Math.sqrt(over(modelledLaw(model, exactInModel, weightsOf(candidate, model.sample, shape.scale, n))) / modelled)

  const share = keysAndValuesTogether ? 1 : Math.sqrt(PSI_SHARE)
  const tried: { candidate: Candidate; polynomial: number; isModelled: boolean }[] = []
  const enough = Math.min(budgetBytes, Math.max(2 * cacheBytes, 2 ** 20))
  let average = Infinity
  for (const candidate of candidates(shape, pilot, enough)) {
    if (!keysAndValuesTogether && candidate.kind === 'closure') continue // needs values with their keys
    let polynomial = onPilot(candidate)
    const isAverage = candidate.name === AVERAGES
    // The model can only say worse, so it is asked where the pilot is content.
    const isModelled = polynomial <= share * epsilon || isAverage
    if (isModelled) polynomial = Math.max(polynomial, inModel(candidate))
    tried.push({ candidate, polynomial, isModelled })
    if (isAverage) average = polynomial
    if (polynomial <= share * epsilon && average < Infinity) break
  }
  if (tried.length === 0)
    throw new RangeError(`plan: budgetBytes must hold at least the mean of the values, got ${budgetBytes}`)
  const meets = tried.find(({ polynomial }) => polynomial <= share * epsilon)
  const least = () => tried.reduce((a, b) => (b.polynomial < a.polynomial ? b : a))
  let best = meets ?? least()
  for (; !best.isModelled; best = least()) {
    best.polynomial = Math.max(best.polynomial, inModel(best.candidate))
    best.isModelled = true
  }
  const { candidate, polynomial } = best

  const float32 = float32Error(pilot, candidate)
  const stream: StreamPlan = {
    kind: keysAndValuesTogether ? candidate.kind : 'one-pass',
    name: candidate.name,
    t: candidate.t,
    ...(candidate.features && { features: candidate.features.spec }),
    ...(!keysAndValuesTogether && {
      psi: {
        kind: 'osnap' as const,
        m: psiRows(pilot, output, meets ? epsilon ** 2 - polynomial ** 2 : epsilon ** 2),
        seed: String(shape.seed),
      },
    }),
    ...(task === 'columns' && { phi: { n, k: shape.k!, epsilon: Math.min(1, epsilon), seed: String(shape.seed) } }),
  }
  const psi = stream.psi ? psiError(pilot, output, stream.psi.m) : 0
  const phi = stream.phi ? (1 + stream.phi.epsilon) * tailShare(pilot, stream.phi) : 0
  const error: PlanError = { polynomial, psi, phi, float32, total: Math.hypot(polynomial, psi, phi, float32) }
  const parts = keysAndValuesTogether
    ? { ...candidate.bytes, ...(candidate.features && sketchBytes(candidate.features, dv, stream)) }
    : { map: candidate.features!.spec.length, ...sketchBytes(candidate.features!, dv, stream) }
  const considered: Considered[] = tried.map(({ candidate, polynomial }) => ({
    name: candidate.name,
    bytes: total(candidate.bytes),
    error: polynomial,
  }))
  const partial = {
    n,
    d,
    dv,
    scale: shape.scale,
    epsilon,
    task,
    keysAndValuesTogether,
    unit: 'relative' as const,
    stream,
    cost: costOf(parts, n, d, dv),
    error,
    baselines: { zero: 1, average },
    pilot: pilot.findings,
    considered,
  }
  return { ...partial, ...verdictOf(partial, budgetBytes) }
}

const HELD = 64
const STEPS = 24

/**
 * A law's mean over queries: those after all n tokens; or of token i over the first i, i = 1 … n, in steps of equal ratio. The first
 * HELD tokens are held, so that there is no error yet: an output counts there all the same.
 */
function meanOver(law: ErrorLaw, { n, task }: PlanShape): number {
  if (task !== 'causal') return law(n)
  if (n <= HELD) return law(n)
  const ratio = (n / HELD) ** (1 / STEPS)
  let total = 0
  for (let step = 0, from = HELD; step < STEPS; step++, from *= ratio)
    total += law(from * Math.sqrt(ratio)) * from * (ratio - 1)
  return total / (n - HELD)
}

/** Σ over columns of the variance of Ψ's error a query, times m: ‖P − mean‖²·‖V_c − mean‖² + ⟨P, V_c − mean⟩². */
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
      sum += data[r * cols + c]!
      squares += data[r * cols + c]! ** 2
    }
    variance += Math.max(0, squares / rows - (sum / rows) ** 2)
  }
  return Math.max(0, concentration - 1) * variance
}

function psiError(pilot: MeasuredPilot, output: number, m: number): number {
  return Math.sqrt(psiEnergy(pilot) / m / output)
}

/** Rows of Ψ, a multiple of its nonzeros, for this relative squared error. */
function psiRows(pilot: MeasuredPilot, output: number, square: number): number {
  const rows = psiEnergy(pilot) / square / output
  return NONZEROS * Math.ceil(Math.min(2 ** 26, Math.max(NONZEROS, rows)) / NONZEROS)
}

/** tail_k over the norm of an output column, mean over columns, from the pilot's queries: k of n as k·m/n of m. */
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
        const weight = weights[r * keys.rows + j]!
        sum += weight * values.data[j * values.cols + c]!
        mass += weight
      }
      outputs[r] = (sum / mass) ** 2
    }
    const squares = outputs.toSorted((a, b) => b - a)
    const sum = squares.reduce((a, b) => a + b, 0)
    let head = 0
    for (let i = 0; i < rows; i++) head += squares[i]! * Math.min(1, Math.max(0, own - i))
    mean += sum > 0 ? Math.sqrt(Math.max(0, 1 - head / sum)) / values.cols : 0
  }
  return mean
}

/** 2⁻²⁴ times the mean over queries of Σe^{|s|}/Σe^s: roundings of the terms against their sum. */
function float32Error({ weights, tops, keys, queries }: MeasuredPilot, { kind }: Candidate): number {
  if (kind === 'closure') return 2 ** -24
  let mean = 0
  for (let r = 0; r < queries.rows; r++) {
    let [sum, sizes] = [0, 0]
    const mirrored = Math.exp(-2 * tops[r]!) // e^{−s − top} = mirrored / e^{s − top}
    for (const weight of weights.subarray(r * keys.rows, (r + 1) * keys.rows)) {
      sum += weight
      sizes += Math.max(weight, mirrored / weight)
    }
    mean += sizes / sum / queries.rows
  }
  return 2 ** -24 * mean
}
