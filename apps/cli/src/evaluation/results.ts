import { mcnemar, signFlips } from '@sublinear/small-lm'
import { budgetBytes, keyOf, type Cell, type Outcome, type Protocol } from './task'

/** Result of an evaluation, as plain JSON. */
export interface Evaluation {
  readonly version: 1
  readonly reproduce: string
  readonly protocol: Protocol
  readonly cells: readonly CellResult[]
}

export interface CellResult extends Cell {
  /** Budget of all heads together, in bytes. */
  readonly budgetBytes: number
  /** The budget as a share of a float16 cache. */
  readonly ofFloat16: number
  /** within: it never held more than the budget. over: it did. refused: no such stream fits, or it failed. */
  readonly outcome: 'within' | 'over' | 'refused'
  readonly why?: string
  readonly peakBytes?: number
  readonly needles?: NeedleResult
  readonly perplexity?: BitsResult
}

export interface NeedleResult {
  /** Answers, one text string for each text: 1 for every depth whose answer was entirely right, 0 for the others. */
  readonly answers: readonly string[]
  readonly questions: number
  readonly right: number
  readonly recall: number
  /** Recall by depth. */
  readonly recallAt: readonly number[]
  /** Tests whether it is worse than exact, and than the best other method of its budget: one-sided, over paired answers. */
  readonly against: readonly Against[]
}

export interface Against {
  readonly method: string
  readonly onlyThis: number
  readonly onlyThat: number
  /** McNemar's exact test: the probability that equal methods differ so much in favour of the other. */
  readonly p: number
  /** The same probability where the answers of one text may depend on each other: signs of whole texts are flipped. */
  readonly pByText: number
}

export interface BitsResult {
  readonly bitsPerByte: number
  readonly bits: number
  readonly bytes: number
  /** Bits per byte above exact, over the same windows. */
  readonly aboveExact?: number
}

interface Summarised {
  readonly protocol: Protocol
  readonly cells: readonly Cell[]
  readonly trials: (cell: Cell) => number
  /** Bytes of a token in a float32 cache of all heads. */
  readonly tokenBytes: (cell: Cell) => number
  readonly known: ReadonlyMap<string, Outcome>
  readonly reproduce: string
}

/** Sums up the outcomes of all trials, cell by cell, with tests of the differences. */
export function summarised({ protocol, cells, trials, tokenBytes, known, reproduce }: Summarised): Evaluation {
  const all = cells.map((cell) => {
    const outcomes = Array.from({ length: trials(cell) }, (_, trial) => known.get(keyOf(cell, trial))!)
    return cellResult(cell, outcomes, tokenBytes(cell) * cell.tokens)
  })
  return { version: 1, reproduce, protocol, cells: all.map((cell) => compared(cell, all)) }
}

function cellResult(cell: Cell, outcomes: readonly Outcome[], cacheBytes: number): CellResult {
  const limit = budgetBytes(cell.budget, cacheBytes)
  const own = { ...cell, budgetBytes: limit, ofFloat16: (2 * limit) / cacheBytes }
  const refused = outcomes.find((outcome) => 'refused' in outcome)
  if (refused) return { ...own, outcome: 'refused', why: refused.refused }
  const held = outcomes.flatMap((outcome) => ('refused' in outcome ? [] : [outcome]))
  const peakBytes = Math.max(...held.map(({ peakBytes }) => peakBytes))
  const outcome = peakBytes <= limit || cell.method === 'exact' ? 'within' : 'over'
  const why = outcome === 'over' && { why: `it held ${peakBytes} bytes in a budget of ${limit}` }
  const answers = held.flatMap((outcome) => ('right' in outcome ? [outcome.right] : []))
  const costs = held.flatMap((outcome) => ('bits' in outcome ? [outcome] : []))
  const found = costs.length > 0 ? { perplexity: bitsResult(costs) } : { needles: needleResult(answers) }
  return { ...own, outcome, ...why, peakBytes, ...found }
}

function needleResult(answers: readonly (readonly boolean[])[]): NeedleResult {
  const depths = answers[0].length
  const rightAt = Array.from({ length: depths }, (_, i) => answers.filter((right) => right[i]).length)
  const right = rightAt.reduce((a, b) => a + b)
  const questions = answers.length * depths
  return {
    answers: answers.map((right) => right.map(Number).join('')),
    questions,
    right,
    recall: right / questions,
    recallAt: rightAt.map((count) => count / answers.length),
    against: [],
  }
}

function bitsResult(costs: readonly { readonly bits: number; readonly bytes: number }[]): BitsResult {
  const [bits, bytes] = (['bits', 'bytes'] as const).map((part) => costs.reduce((total, own) => total + own[part], 0))
  return { bitsPerByte: bits / bytes, bits: bits, bytes: bytes }
}

/** Compares a cell with exact and with the best other method of its budget, on the same texts. */
function compared(cell: CellResult, all: readonly CellResult[]): CellResult {
  const beside = all.filter((other) => other.model === cell.model && other.tokens === cell.tokens)
  const exact = beside.find(({ method }) => method === 'exact')
  const { needles, perplexity } = cell
  if (perplexity) {
    const base = exact?.perplexity?.bitsPerByte
    return base === undefined
      ? cell
      : { ...cell, perplexity: { ...perplexity, aboveExact: perplexity.bitsPerByte - base } }
  }
  if (!needles || cell.method === 'exact') return cell
  const [best] = beside
    .filter(({ method, budget, outcome }) => budget === cell.budget && method !== cell.method && outcome === 'within')
    .filter(({ method }) => method !== 'exact')
    .toSorted((a, b) => b.needles!.right - a.needles!.right)
  const others = [exact, best].filter((other) => other?.needles !== undefined)
  return { ...cell, needles: { ...needles, against: others.map((other) => paired(needles, other!)) } }
}

function paired({ answers }: NeedleResult, { method, needles }: CellResult): Against {
  let [onlyThis, onlyThat] = [0, 0]
  const differences = answers.map((own, text) => {
    const that = needles!.answers[text]
    const [mine, other] = [0, 1].map((want) => Array.from(own).filter((_, i) => own[i] !== that[i] && Number(that[i]) === want).length) // prettier-ignore
    onlyThis += mine
    onlyThat += other
    return other - mine
  })
  const p = mcnemar({ firstOnly: onlyThis, secondOnly: onlyThat })
  return { method, onlyThis, onlyThat, p, pByText: signFlips(differences) }
}
