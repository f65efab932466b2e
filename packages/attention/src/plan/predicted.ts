import { candidates, errorOf, outputOf, total, type Candidate } from './candidates'
import { costOf } from './cost'
import { errorLaw, type ErrorLaw } from './error-law'
import type { MeasuredPilot } from './pilot'
import type { Considered, Plan, PlanError, Task } from './plan'
import { permuted, signed } from './shuffled'
import { NONZEROS, sketchBytes, type StreamPlan } from './stream-plan'
import { verdictOf } from './verdict'

/** The options of a plan, complete. */
export interface PlanShape {
  readonly n: number
  readonly d: number
  readonly dv: number
  readonly scale: number
  readonly epsilon: number
  readonly task: Task
  readonly keysAndValuesTogether: boolean
  readonly delta: number
  readonly budgetBytes: number
  readonly seed: bigint
  readonly k?: number
}

/** Half of ε² for features and half for Ψ, where there is one. */
const PSI_SHARE = 0.5

/** The plan that trying candidates on a pilot leads to: the smallest that meets ε, or the best of all. */
export function predictedPlan(shape: PlanShape, pilot: MeasuredPilot): Plan {
  const { n, d, dv, epsilon, keysAndValuesTogether, budgetBytes, task } = shape
  const cacheBytes = 4 * n * (d + dv)
  const over = (law: ErrorLaw) => meanOver(law, shape)
  const outputLaw = errorLaw(outputOf(pilot), pilot.values, signed(pilot.values), pilot.spreads)
  const output = over(outputLaw) // ‖o‖², mean over queries
  const errorWith = (candidate: Candidate) => {
    const law = errorLaw(errorOf(candidate, pilot, shape), pilot.values, permuted(pilot.values), pilot.spreads)
    return Math.sqrt(over(law) / output)
  }
  const share = keysAndValuesTogether ? 1 : Math.sqrt(PSI_SHARE)
  const tried: { candidate: Candidate; polynomial: number }[] = []
  const enough = Math.min(budgetBytes, Math.max(2 * cacheBytes, 2 ** 20))
  let average = Infinity
  for (const candidate of candidates(shape, pilot, enough)) {
    if (!keysAndValuesTogether && candidate.kind === 'closure') continue // needs values with their keys
    const polynomial = errorWith(candidate)
    tried.push({ candidate, polynomial })
    if (candidate.name === 'averages') average = polynomial
    if (polynomial <= share * epsilon && average < Infinity) break
  }
  if (tried.length === 0) throw new RangeError(`plan: budgetBytes must hold at least the mean of the values, got ${budgetBytes}`)
  const meets = tried.find(({ polynomial }) => polynomial <= share * epsilon)
  const best = meets ?? tried.reduce((a, b) => (b.polynomial < a.polynomial ? b : a))
  const { candidate, polynomial } = best

  const float32 = float32Error(pilot, candidate)
  const stream: StreamPlan = {
    kind: keysAndValuesTogether ? candidate.kind : 'one-pass',
    name: candidate.name,
    t: candidate.t,
    ...(candidate.features && { features: candidate.features.spec }),
    ...(!keysAndValuesTogether && {
      psi: { m: psiRows(pilot, output, meets ? epsilon ** 2 - polynomial ** 2 : epsilon ** 2), nonzeros: NONZEROS, seed: String(shape.seed) },
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
  for (let step = 0, from = HELD; step < STEPS; step++, from *= ratio) total += law(from * Math.sqrt(ratio)) * from * (ratio - 1)
  return total / (n - HELD)
}

/** Σ over columns of the variance of Ψ's error a query, times m: ‖P − mean‖²·‖V_c − mean‖² + ⟨P, V_c − mean⟩². */
function psiEnergy({ values, findings }: MeasuredPilot): number {
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
  return Math.max(0, findings.concentration - 1) * variance
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
function tailShare(pilot: MeasuredPilot, { n, k }: { readonly n: number; readonly k: number }): number {
  const all = Uint32Array.from({ length: pilot.keys.rows }, (_, i) => i)
  const { rows, cols, data } = outputOf(pilot)(all, pilot.values)
  const own = (k * rows) / n
  let mean = 0
  for (let c = 0; c < cols; c++) {
    const squares = Float64Array.from({ length: rows }, (_, r) => data[r * cols + c]! ** 2).toSorted().toReversed()
    const sum = squares.reduce((a, b) => a + b, 0)
    let head = 0
    for (let i = 0; i < rows; i++) head += squares[i]! * Math.min(1, Math.max(0, own - i))
    mean += sum > 0 ? Math.sqrt(Math.max(0, 1 - head / sum)) / cols : 0
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
