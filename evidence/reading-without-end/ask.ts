/**
 * `node src/without-end.ts`: the tables and pictures of docs/reading-without-end.md from results/without-end-*.json, which `src/without-end/search.ts` and
 * `src/without-end/judge.ts` write.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CHOSEN } from './chosen.ts'
import { AFTER, BACK, judged, more, recall, type Judged } from './found.ts'
import { TEXTS } from './judge.ts'
import { picture, type Named } from './picture.ts'
import { pageWithTables, searchWithTables } from './tables.ts'

const BLUES = ['#0b3c5d', '#2471a3', '#5499c7', '#85b8d9']
const endless = Object.keys(CHOSEN)
  .toReversed()
  .map((bytes, i) => ({ stream: `endless, ${Number(bytes) / 1000} kB`, name: `endless, ${Number(bytes) / 1000} kB`, colour: BLUES[i] })) // prettier-ignore
const STREAMS = [
  ...endless,
  { stream: 'sinks and window', name: 'sinks + window', colour: '#1e8449', dashed: true },
  { stream: 'window', name: 'window, 128 kB', colour: '#b9770e', dashed: true },
  { stream: 'exact', name: 'exact, all tokens', colour: '#c0392b', dashed: true },
]

function lines(points: (stream: string) => Named['points']): Named[] {
  return STREAMS.flatMap(({ stream, ...look }) => {
    const own = points(stream)
    return own.length > 0 ? [{ ...look, points: own }] : []
  })
}

const fields = (points: (one: Judged, stream: string) => Named['points']) =>
  judged().map((one) => ({ title: `the ${one.name} model`, lines: lines((stream) => points(one, stream)) }))

export const PAGES = {
  '../../docs/reading-without-end.md': pageWithTables,
  '../endless/README.md': searchWithTables,
}

export function pictures(): Record<'bits' | 'picture', string> {
  return {
    bits: picture(
      'Bits per byte more than a fresh reader’s, by tokens read in one go (trained on 4,096)',
      fields((one, stream) => AFTER.flatMap((after, i) => {
        const value = more(one, stream, TEXTS[0], i)
        return value === undefined ? [] : [[after, value] as const]
      })), // prettier-ignore
      {
        x: { label: 'tokens read', ticks: [...AFTER] },
        y: { label: 'bits per byte more', ticks: [-0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.25], least: -0.05, most: 0.25 },
      },
    ),
    picture: picture(
      'Needles answered, by how many tokens ago they were planted (trained on 4,096)',
      fields((one, stream) => BACK.flatMap((back) => {
        const [right, asked] = recall(one, stream, back, ({ kind }) => kind !== 'crowded')
        return asked === 0 ? [] : [[back, right / asked] as const]
      })), // prettier-ignore
      {
        x: { label: 'tokens back', ticks: [...BACK] },
        y: { label: 'share answered', ticks: [0, 0.25, 0.5, 0.75, 1], least: 0, most: 1 },
      },
    ),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, svg] of Object.entries(pictures())) writeFileSync(new URL(`${name}.svg`, import.meta.url), svg)
  for (const [path, withTables] of Object.entries(PAGES)) {
    const page = new URL(path, import.meta.url)
    writeFileSync(page, withTables(readFileSync(page, 'utf8')))
  }
}
