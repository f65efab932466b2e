import { tables } from '../board-text'
import { bytesText, paragraph } from '../report'
import type { CellResult, Evaluation } from './results'

/** Chance below which a difference counts: one-sided, exact. */
export const SIGNIFICANT = 0.01
const SHADES = [' ', '░', '▒', '▓', '█'] as const

/** Writes the evaluation for people: for every model and length, a table of methods by budgets. */
export function evaluationText(found: Evaluation, width: number): string {
  const groups = groupsOf(found).map(({ title, cells }) => `${title}\n${tables(evaluationTable(cells), width)}`)
  return [paragraph(introText(found), width), ...groups, ...notesOf(found).map((line) => paragraph(line, width))].join(
    '\n\n',
  )
}

export function introText({ protocol, cells }: Evaluation): string {
  const from = `text: ${protocol.text}`
  if (protocol.kind === 'perplexity')
    return `Bits per byte of the second half of up to ${protocol.windows} windows (${from}).`
  const questions = Math.max(0, ...cells.map(({ needles }) => needles?.questions ?? 0))
  const needles = protocol.depths.length + protocol.distractors
  return (
    `Share of ${questions} questions answered fully correctly. Every text (${from}) holds ${needles} needles and is asked for those at ` +
    `depths ${protocol.depths.join(', ')}; all methods read the same texts.`
  )
}

/** The cells of one model at one length. */
interface Group {
  readonly title: string
  readonly cells: readonly CellResult[]
}

export function groupsOf({ cells }: Evaluation): Group[] {
  const groups = new Map<string, CellResult[]>()
  for (const cell of cells) {
    const title = `${cell.model}, ${cell.tokens} tokens`
    groups.set(title, [...(groups.get(title) ?? []), cell])
  }
  return [...groups].map(([title, cells]) => ({ title, cells }))
}

/** Rows by method, headings first, with a column for each budget. */
export function evaluationTable(cells: readonly CellResult[]): string[][] {
  const methods = [...new Set(cells.map(({ method }) => method))]
  const budgets = [...new Set(cells.filter(({ method }) => method !== 'exact').map(({ budget }) => budget))]
  const at = (method: string, budget: string) => cells.find((cell) => cell.method === method && cell.budget === budget)
  const exact = at('exact', '1')
  const columns = [...(exact ? ['1'] : []), ...budgets]
  const bytes = columns.map((budget) => bytesText(cells.find((cell) => cell.budget === budget)!.budgetBytes))
  const float16 = columns.map((budget) => cells.find((cell) => cell.budget === budget)!.ofFloat16)
  const row = (method: string) => [method, ...columns.map((budget) => scoreText(at(method, budget)))]
  return [
    ['of float32', ...columns],
    ['of float16', ...float16.map((share) => (share >= 1 ? String(share) : `1/${Number((1 / share).toFixed(2))}`))],
    ['bytes', ...bytes],
    ...methods.map(row),
  ]
}

/** Writes recall, marked where another method of the budget is better beyond chance; or bits per byte. */
export function scoreText(cell: CellResult | undefined): string {
  if (!cell) return ''
  if (cell.outcome === 'refused') return cell.why === 'does not fit' ? '–' : 'failed'
  if (cell.outcome === 'over') return 'over'
  if (cell.perplexity) return cell.perplexity.bitsPerByte.toFixed(3)
  return `${cell.needles!.recall.toFixed(2)}${isWorse(cell) ? '*' : ''}`
}

/** Whether the best other method of the same budget is better beyond chance. */
export function isWorse({ needles }: CellResult): boolean {
  return (needles?.against ?? []).some(({ method, p }) => method !== 'exact' && p < SIGNIFICANT)
}

/** Notes below the tables: what their marks mean, and what went wrong. */
export function notesOf({ cells, protocol }: Evaluation): string[] {
  const wrong = cells
    .filter(({ outcome, why }) => outcome !== 'within' && why !== 'does not fit')
    .map(({ model, method, budget, tokens, why }) => `${model} ${method} ${budget} ${tokens}: ${why}`)
  const marks = protocol.kind === 'needle' && cells.some(isWorse)
  const fits = cells.some(({ why }) => why === 'does not fit')
  return [
    ...(marks ? [`* worse than the best method of its budget (McNemar's exact test, one-sided, 1 %)`] : []),
    ...(fits ? ['– no such stream fits the budget'] : []),
    ...wrong,
  ]
}

/**
 * Writes a heat map as text, by model and budget: a line for each method, a block for each length, a shade for each depth, from the start of the text to its end.
 */
export function heatMapText({ protocol, cells }: Evaluation, width: number): string {
  if (protocol.kind !== 'needle') return ''
  const models = [...new Set(cells.map(({ model }) => model))]
  const budgets = [...new Set(cells.filter(({ method }) => method !== 'exact').map(({ budget }) => budget))]
  const maps = models.flatMap((model) =>
    (budgets.length > 0 ? budgets : ['1']).map((budget) => {
      const own = cells.filter((cell) => cell.model === model && (cell.budget === budget || cell.method === 'exact'))
      return `${model}, ${budget} of float32\n${tables(heatMap(own), width)}`
    }),
  )
  const key = SHADES.map((shade, i) => `${shade === ' ' ? 'blank' : shade} ${i / 4}`).join(', ')
  const intro = `Recall by depth, from ${protocol.depths[0]} (left) to ${protocol.depths.at(-1)} in each block: ${key}.`
  return [paragraph(intro, width), ...maps].join('\n\n')
}

function heatMap(cells: readonly CellResult[]): string[][] {
  const lengths = [...new Set(cells.map(({ tokens }) => tokens))]
  const methods = [...new Set(cells.map(({ method }) => method))]
  return [
    ['tokens', ...lengths.map(String)],
    ...methods.map((method) => [
      method,
      ...lengths.map((tokens) => {
        const cell = cells.find((own) => own.method === method && own.tokens === tokens)
        const shades = cell?.needles?.recallAt.map((recall) => SHADES[Math.round(4 * recall)]).join('')
        return shades === undefined ? scoreText(cell) : `[${shades}]`
      }),
    ]),
  ]
}
