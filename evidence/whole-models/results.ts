import { readFileSync } from 'node:fs'
import { METHODS, type ModelName } from './cells.ts'
import { DEPTHS, TEXTS } from './prompt-sets.ts'
import type { CellResult } from './run-cell.ts'

/** result.json: every cell that was run, answers by context and depth. */
export interface Evidence {
  readonly node: string
  /** Processor time for everything; time of the clock, where it was run in one go. */
  readonly cpuMinutes?: number
  readonly minutes?: number
  readonly cells: readonly CellResult[]
}

export const resultsUrl = new URL('./', import.meta.url)

export type EvidenceName = 'result' | 'held-out'

export const committedEvidence = (name: EvidenceName = 'result'): Evidence =>
  JSON.parse(readFileSync(new URL(`${name}.json`, resultsUrl), 'utf8')) as Evidence

export interface Place {
  readonly model: ModelName
  readonly tokens: number
  readonly share: number
}

/** The cell of a method at a place; exact attention is the same at every share. */
export function cellOf({ cells }: Evidence, { model, tokens, share }: Place, method: string): CellResult | undefined {
  const own = method === 'exact' ? 1 : share
  return cells.find(
    (cell) =>
      cell.model === model && cell.tokens === tokens && cell.share === own && cell.method === method && cell.fits,
  )
}

/** Methods with a result. */
export const methodsIn = ({ cells }: Evidence) => METHODS.filter((name) => cells.some(({ method }) => method === name))

const onesIn = (digits: string) => digits.split('1').length - 1

export const rightOf = ({ right }: CellResult) => onesIn(right.join(''))
export const askedOf = ({ right }: CellResult) => right.length * DEPTHS.length
export const recallOf = (cell: CellResult) => rightOf(cell) / askedOf(cell)

/** Recall of the questions at one depth. */
export const recallAt = ({ right }: CellResult, depth: number) =>
  right.filter((digits) => digits[depth] === '1').length / right.length

/** Bits per byte, of one text or of all, which have as many windows each. */
export function bitsPerByteOf(
  { bits, textBytes }: CellResult,
  text?: string,
  texts: readonly string[] = TEXTS,
): number | undefined {
  const windows = bits.length / texts.length
  const first = text === undefined ? 0 : texts.indexOf(text) * windows
  const end = text === undefined ? bits.length : first + windows
  const sum = (of: readonly number[]) => of.slice(first, end).reduce((a, b) => a + b, 0)
  return bits.length === 0 ? undefined : sum(bits) / sum(textBytes)
}

/** Differences by context: questions that the second answered less those that the first did. */
export function differences(first: CellResult, second: CellResult): number[] {
  return first.right.map((digits, i) => onesIn(second.right[i]) - onesIn(digits))
}

const only = (one: string, other: string) => [...one].filter((digit, i) => digit === '1' && other[i] === '0').length

/** Questions that exactly one of two cells answered. */
export function disagreements(first: CellResult, second: CellResult): { firstOnly: number; secondOnly: number } {
  const [a, b] = [first, second].map(({ right }) => right.join(''))
  return { firstOnly: only(a, b), secondOnly: only(b, a) }
}
