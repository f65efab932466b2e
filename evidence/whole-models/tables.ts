import { mcnemar, signFlips } from '@sublinear/small-lm'
import { BEYOND, FIGURE, LENGTHS, METHODS, MODELS, SHARES, type ModelName } from './cells.ts'
import { TEXTS } from './prompt-sets.ts'
import {
  askedOf,
  bitsPerByteOf,
  cellOf,
  differences,
  disagreements,
  methodsIn,
  recallOf,
  rightOf,
  type Evidence,
  type Place,
} from './results.ts'
import type { CellResult } from './run-cell.ts'

/** One-sided, of each of the comparisons. */
export const LEVEL = 0.01

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
export const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
export const NONE = '–'
export const shareName = (share: number) => (share === 1 ? 'all' : `1/${share}`)
/** Name of a share of the float32 cache as a share of one in float16. */
const halfName = (share: number) => (share === 2 ? 'all' : `1/${share / 2}`)

export const places = (lengths: readonly number[] = LENGTHS): Place[] =>
  MODELS.flatMap((model) => lengths.flatMap((tokens) => SHARES.map((share) => ({ model, tokens, share }))))

/** Recall of one model: methods down, lengths and shares across. */
export function recallTable(evidence: Evidence, model: ModelName): string {
  const columns = LENGTHS.flatMap((tokens) => SHARES.map((share) => ({ model, tokens, share })))
  const all = methodsIn(evidence)
  const cells = columns.map((place) => all.map((method) => cellOf(evidence, place, method)))
  const best = cells.map((column) => Math.max(...column.slice(1).map((cell) => (cell ? rightOf(cell) : 0))))
  return table(
    ['needles answered', ...columns.map(({ tokens, share }) => `${tokens / 1024}k, ${shareName(share)}`)],
    all.map((method, m) => [
      method,
      ...cells.map((column, c) => {
        const cell = column[m]
        if (!cell) return NONE
        const words = recallOf(cell).toFixed(2)
        return method !== 'exact' && rightOf(cell) === best[c] ? `**${words}**` : words
      }),
    ]),
  )
}

/** Bits per byte: exact attention's, and what the others have more. */
export function bitsTable(evidence: Evidence, model: ModelName): string {
  const columns = LENGTHS.flatMap((tokens) => SHARES.map((share) => ({ model, tokens, share })))
  return table(
    ['bits per byte', ...columns.map(({ tokens, share }) => `${tokens / 1024}k, ${shareName(share)}`)],
    methodsIn(evidence).map((method) => [
      method === 'exact' ? 'exact' : `${method}, more by`,
      ...columns.map((place) => {
        const bits = bitsOf(evidence, place, method)
        if (bits === undefined) return NONE
        return method === 'exact' ? bits.toFixed(3) : (bits - bitsOf(evidence, place, 'exact')!).toFixed(3)
      }),
    ]),
  )
}

function bitsOf(evidence: Evidence, place: Place, method: string, text?: (typeof TEXTS)[number]): number | undefined {
  const cell = cellOf(evidence, place, method)
  return cell && bitsPerByteOf(cell, text)
}

/** The second paper's table of tasks, at its share: recall by length, bits per byte by text, both models. */
export function taskTable(evidence: Evidence): string {
  const { share } = FIGURE
  const lengths = [...FIGURE.lengths, ...LENGTHS].toSorted((a, b) => a - b)
  const most = LENGTHS.at(-1)!
  return table(
    [
      'method',
      ...MODELS.flatMap((model) => [
        ...lengths.map((tokens) => `${model}: needles, ${tokens / 1024}k`),
        ...TEXTS.map((text) => `${model}: bits, ${text}`),
      ]),
    ],
    methodsIn(evidence).map((method) => [
      method,
      ...MODELS.flatMap((model) => [
        ...lengths.map((tokens) => {
          const cell = cellOf(evidence, { model, tokens, share }, method)
          return cell ? recallOf(cell).toFixed(2) : NONE
        }),
        ...TEXTS.map((text) => bitsOf(evidence, { model, tokens: most, share }, method, text)?.toFixed(3) ?? NONE),
      ]),
    ]),
  )
}

export interface Rival {
  readonly place: Place
  readonly best: CellResult
  readonly own: CellResult
  /** How likely the best is so much better by chance: McNemar's exact test over questions, and sign flips of whole texts. */
  readonly p: number
  readonly byText: number
}

/** Whether every method was tried at a place. */
function isComplete({ cells }: Evidence, { model, tokens, share }: Place): boolean {
  const tried = new Set(
    cells
      .filter((one) => one.model === model && one.tokens === tokens && one.share === share)
      .map(({ method }) => method),
  )
  return METHODS.slice(1).every((method) => tried.has(method)) // exact attention has no share
}

/** `auto` beside the best single policy of every place where all were run. */
export function rivals(evidence: Evidence, where: readonly Place[] = places()): Rival[] {
  return where.flatMap((place) => {
    const own = cellOf(evidence, place, 'auto')
    const others = methodsIn(evidence)
      .filter((method) => method !== 'exact' && method !== 'auto')
      .flatMap((method) => cellOf(evidence, place, method) ?? [])
    if (!own || !isComplete(evidence, place)) return []
    const best = others.reduce((a, b) => (rightOf(b) > rightOf(a) ? b : a))
    return [{ place, best, own, p: mcnemar(disagreements(own, best)), byText: signFlips(differences(own, best)) }]
  })
}

export const chanceName = (p: number) => (p < LEVEL ? `**${p.toPrecision(2)}**` : p.toFixed(2))

export function rivalTable(evidence: Evidence): string {
  return table(
    ['model', 'tokens', 'bytes', 'best single policy', 'right', 'auto', 'of', 'p', 'p by text'],
    rivals(evidence).map(({ place, best, own, p, byText }) => [
      place.model,
      String(place.tokens),
      shareName(place.share),
      best.method,
      String(rightOf(best)),
      String(rightOf(own)),
      String(askedOf(own)),
      ...[p, byText].map(chanceName),
    ]),
  )
}

export interface Claim {
  readonly says: string
  readonly found: string
  readonly holds: boolean
}

/** Claims that were to be shown, and whether they were. */
export function claims(evidence: Evidence): Claim[] {
  const tokens = LENGTHS.at(-1)!
  const eighth = MODELS.flatMap((model) => {
    const place = { model, tokens, share: 8 }
    const [own, exact] = ['auto', 'exact'].map((method) => cellOf(evidence, place, method))
    return own && exact ? [{ model, own, exact }] : []
  })
  const ratios = eighth.map(({ model, own, exact }) => ({ model, ratio: rightOf(own) / rightOf(exact) }))
  const more = eighth.map(({ model, own, exact }) => ({ model, bits: bitsPerByteOf(own)! - bitsPerByteOf(exact)! }))
  const all = rivals(evidence)
  const worse = all.filter(({ p }) => p < LEVEL)
  return [
    {
      says: `in 1/8 of the bytes auto answers at least 0.9 of the questions that exact attention answers, at ${tokens} tokens`,
      found: ratios.map(({ model, ratio }) => `${model} ${ratio.toFixed(2)}`).join(', '),
      holds: ratios.every(({ ratio }) => ratio >= 0.9),
    },
    {
      says: 'there it is within 0.05 bits per byte of exact attention',
      found: more
        .map(({ model, bits }) => `${model} ${(Math.round(1000 * bits) / 1000 || 0).toFixed(3)} more`)
        .join(', '),
      holds: more.every(({ bits }) => bits <= 0.05),
    },
    {
      says: `nowhere is it significantly worse than the best single policy (McNemar’s exact test, one-sided, ${100 * LEVEL} %)`,
      found: `${worse.length} of the ${all.length} places of ${places().length} where all methods were run${worse.length > 0 ? `: ${worse.map(({ place, best }) => `${place.model} ${place.tokens} 1/${place.share} (${best.method})`).join(', ')}` : ''}`,
      holds: worse.length === 0 && all.length === places().length,
    },
  ]
}

export function claimTable(evidence: Evidence): string {
  return table(
    ['claim', 'found', 'holds'],
    claims(evidence).map(({ says, found, holds }) => [says, found, holds ? 'yes' : '**not shown**']),
  )
}

/** Twice the length that the models were trained on. */
export function beyondTable(evidence: Evidence): string {
  const { tokens, share, methods } = BEYOND
  return table(
    ['needles answered', ...MODELS.map((model) => `${model}, ${tokens / 1024}k, ${shareName(share)}`)],
    methods.map((method) => [
      method,
      ...MODELS.map((model) => {
        const cell = cellOf(evidence, { model, tokens, share }, method)
        return cell ? recallOf(cell).toFixed(2) : NONE
      }),
    ]),
  )
}

/** Table of the time that it took. */
export function runTable(evidence: Evidence, heldOut: Evidence): string {
  return table(
    ['run', 'cells', 'minutes', 'minutes of processor'],
    Object.entries({ evidence, 'evidence --held-out': heldOut }).map(([name, { cells, minutes, cpuMinutes }]) => [
      `\`${name}\``,
      String(cells.length),
      minutes === undefined ? 'in parts' : minutes.toFixed(0),
      cpuMinutes === undefined ? NONE : cpuMinutes.toFixed(0),
    ]),
  )
}

/** Table of budgets: a share of the float32 cache in tokens, and as a share of a float16 cache. */
export function budgetTable(): string {
  return table(
    ['of the float32 cache', 'of a float16 cache', ...LENGTHS.map((tokens) => `float32 tokens a head, of ${tokens}`)],
    SHARES.map((share) => [
      shareName(share),
      halfName(share),
      ...LENGTHS.map((tokens) => String(Math.floor(tokens / share))),
    ]),
  )
}
