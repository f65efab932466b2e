import { existsSync, readFileSync } from 'node:fs'
import type { Turned } from '../turned-keys/ask.ts'
import { MODELS } from '../kit/text-captures.ts'
import { BACK, AFTER, type Kind, type Row } from './judge.ts'
import { median, type Found } from './search.ts'

const read = <T>(path: string, otherwise: T): T => {
  const file = new URL(path, import.meta.url)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : otherwise
}

export type Model = (typeof MODELS)[number]

/** Judgement on the reads of a model. */
export interface Judged {
  readonly name: Model
  readonly rows: readonly Row[]
}

export const judged = (): Judged[] => MODELS.map((name) => ({ name, rows: read<Row[]>(`${name}.json`, []) }))
export const searched = () => MODELS.map((name) => ({ name, found: read<Found[]>(`search-${name}.json`, []) }))
export const turned = () =>
  read<{ readonly cpu: string; readonly rows: readonly Turned[] }>('../turned-keys/result.json', { cpu: '', rows: [] })

/** Median of bits per byte more than those of a fresh reader, window by window, after AFTER[i] tokens; undefined where none were read. */
export function more({ rows }: Judged, stream: string, text: string, i: number): number | undefined {
  const own = rows.find((row) => row.stream === stream && row.text === text && row.kind === 'long')?.bits[i]
  const fresh = rows.find((row) => row.kind === 'fresh' && row.text === text)?.bits[i]
  return own?.length && fresh ? median(own.map((bits, k) => bits - fresh[k])) : undefined
}

export function freshBitsOf({ rows }: Judged, text: string, i: number): number | undefined {
  const own = rows.find((row) => row.kind === 'fresh' && row.text === text)?.bits[i]
  return own && median(own)
}

export type Share = readonly [right: number, asked: number]

/** Recall over the questions whose distance in tokens `takes` takes. */
export function recall(
  { rows }: Judged,
  stream: string,
  back: number,
  takes: (row: Row, needle: number) => boolean = () => true,
): Share {
  const own = rows
    .filter((row) => row.stream === stream)
    .flatMap((row) => row.answers.filter(([needle, asked]) => asked === back && takes(row, needle)))
  return [own.filter(([, , isRight]) => isRight).length, own.length]
}

/** The cells of the acceptance: the nine first needles of the short reads, and the nine that come later. */
export const cells = (one: Judged, stream: string, kind: Kind = 'short') => ({
  'in 3,000': recall(one, stream, 1500, (row, needle) => row.kind === kind && needle < 9),
  '1,500 back in 12,000': recall(one, stream, 1500, (row, needle) => row.kind === kind && needle >= 9),
  '10,000 back in 12,000': recall(one, stream, 10_000, (row, needle) => row.kind === kind && needle < 9),
})

export { AFTER, BACK, median }
