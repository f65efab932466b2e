import { readFileSync } from 'node:fs'
import { AFTER, judged, median, type Judged } from './found.ts'
import type { Row } from './judge.ts'

/** Reads of `endless` in 128 kB with 192 far keys whose crowd counts for n^0.4: not chosen, and only as many as were made. */
const crowded = (): Judged[] => JSON.parse(readFileSync(new URL('crowded.json', import.meta.url), 'utf8')) as Judged[]

const isSame = (a: Row) => (b: Row) => a.kind === b.kind && a.text === b.text && a.part === b.part
const CELLS = [
  ['1,500 back in 3,000', (needle: number, back: number) => needle < 9 && back === 1500],
  ['1,500 back in 12,000', (needle: number, back: number) => needle >= 9 && back === 1500],
  ['10,000 back in 12,000', (needle: number, back: number) => needle < 9 && back === 10_000],
] as const

/** Lines of a table: what was chosen, and what was not, on the same reads of the texts that are judged. */
export function crowdedRows(): string[][] {
  return crowded().flatMap(({ name, rows }) => {
    const all = judged().find((one) => one.name === name)!.rows
    const own = all.filter((row) => row.stream === 'endless, 128 kB' && rows.some(isSame(row)))
    const lines = [
      ['chosen: 128 far keys in full', own],
      ['192 far keys, a crowd counts for n^0.4', rows],
    ] as const
    return lines.map(([what, some]) => {
      const long = some.find(({ kind }) => kind === 'long')!
      const fresh = all.find((row) => row.kind === 'fresh' && row.text === long.text)!
      const more = AFTER.map((_, i) => median(long.bits[i].map((bits, k) => bits - fresh.bits[i][k])).toFixed(3))
      const short = some.filter(({ kind }) => kind === 'short').flatMap(({ answers }) => answers)
      const needles = CELLS.map(([, takes]) => {
        const asked = short.filter(([needle, back]) => takes(needle, back))
        return `${asked.filter(([, , isRight]) => isRight).length} of ${asked.length}`
      })
      return [name, what, ...more, ...needles]
    })
  })
}

export const CROWDED_HEAD = [
  'model',
  'far keys',
  ...AFTER.map((after) => `bits more, ${after.toLocaleString('en')}`),
  ...CELLS.map(([name]) => name),
]
