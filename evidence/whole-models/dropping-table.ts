import { mcnemar } from '@sublinear/small-lm'
import { askedOf, disagreements, rightOf, type Evidence } from './results.ts'
import type { CellResult } from './run-cell.ts'
import { chanceName, NONE, table } from './tables.ts'

/** Rows compared with exact attention: methods, shares, words for both. */
const ROWS: readonly (readonly [string, number, string])[] = [
  ['exact', 1, 'exact'],
  ['auto', 2, 'auto, 1/2 of the bytes'],
  ['snapKv', 2, 'snapKv, 1/2 of the bytes: 1/2 of the tokens'],
  ['snapKvHalfInBits', 8, 'snapKv, 1/2 of the tokens in 6 and 4 bits, within 1/8 of the bytes'],
  ['h2oHalfInBits', 8, 'h2o, 1/2 of the tokens in 6 and 4 bits, within 1/8 of the bytes'],
  ['h2oBesideWindow', 8, 'the same, 256 of them the newest'],
  ['largestHalf', 1, 'exact, to the 1/2 of the tokens with the largest scores of each query'],
  ['sharper', 1, 'exact, all scores times 1.1'],
]

const cell = ({ cells }: Evidence, method: string, share: number): CellResult | undefined =>
  cells.find((one) => one.model === 'bounded' && one.tokens === 4096 && one.method === method && one.share === share)

/** The bounded model at 4096 tokens, on both sets of prompts: right answers, and how likely so many more than exact attention's are by chance. */
export function droppingTable(evidence: Evidence, heldOut: Evidence): string {
  const columns = [evidence, heldOut]
  return table(
    ['bounded model, 4096 tokens', 'right', 'of', 'p', 'other words and texts', 'of', 'p'],
    ROWS.map(([method, share, words]) => [
      words,
      ...columns.flatMap((set) => {
        const [own, exact] = [cell(set, method, share), cell(set, 'exact', 1)]
        if (!own || !exact) return [NONE, NONE, NONE]
        const chance = method === 'exact' ? NONE : chanceName(mcnemar(disagreements(exact, own)))
        return [String(rightOf(own)), String(askedOf(own)), chance]
      }),
    ]),
  )
}
