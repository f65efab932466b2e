import { readFileSync } from 'node:fs'
import { DEPTHS, TEXTS, WINDOWS, type ModelName } from './cells.ts'
import type { CellResult } from './run-cell.ts'

/** results/evidence.json: every cell that was run, answers by context and depth. */
export interface Evidence {
  readonly node: string
  readonly cells: readonly CellResult[]
}

export const resultsUrl = new URL('../../results/', import.meta.url)

export const committedEvidence = (): Evidence =>
  JSON.parse(readFileSync(new URL('evidence.json', resultsUrl), 'utf8')) as Evidence

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

/** Methods with a result, in the order of the cells. */
export const methodsIn = ({ cells }: Evidence) => [...new Set(cells.map(({ method }) => method))]

const onesIn = (digits: string) => digits.split('1').length - 1

export const rightOf = ({ right }: CellResult) => onesIn(right.join(''))
export const askedOf = ({ right }: CellResult) => right.length * DEPTHS.length
export const recallOf = (cell: CellResult) => rightOf(cell) / askedOf(cell)

/** Recall of the questions at one depth. */
export const recallAt = ({ right }: CellResult, depth: number) =>
  right.filter((digits) => digits[depth] === '1').length / right.length

/** Bits per byte, of one text or of both. */
export function bitsPerByteOf({ bits, textBytes }: CellResult, text?: (typeof TEXTS)[number]): number | undefined {
  const first = text === undefined ? 0 : TEXTS.indexOf(text) * WINDOWS
  const end = text === undefined ? bits.length : first + WINDOWS
  const sum = (of: readonly number[]) => of.slice(first, end).reduce((a, b) => a + b, 0)
  return bits.length === 0 ? undefined : sum(bits) / sum(textBytes)
}

/** By context: questions that the second answered less those that the first did. */
export function differences(first: CellResult, second: CellResult): number[] {
  return first.right.map((digits, i) => onesIn(second.right[i]!) - onesIn(digits))
}

const only = (one: string, other: string) => [...one].filter((digit, i) => digit === '1' && other[i] === '0').length

/** Questions that exactly one of two cells answered. */
export function disagreements(first: CellResult, second: CellResult): { firstOnly: number; secondOnly: number } {
  const [a, b] = [first, second].map(({ right }) => right.join(''))
  return { firstOnly: only(a!, b!), secondOnly: only(b!, a!) }
}
