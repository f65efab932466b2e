/**
 * `node evidence/reading-without-end/ask.ts`: searches stacks for each budget and judges those that were chosen by long reads, then writes the pictures and the tables of
 * docs/reading-without-end.md. Hours; what stands in <model>.json and search-<model>.json is not read again.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { main, type Experiment } from '../kit/experiment.ts'
import { MODELS } from '../kit/text-captures.ts'
import { CHOSEN } from './chosen.ts'
import { AFTER, BACK, judged, more, recall, type Judged } from './found.ts'
import { judge, TEXTS } from './judge.ts'
import { picture, type Named } from './picture.ts'
import { search } from './search.ts'
import { claimsTable, pageWithTables, searchWithTables } from './tables.ts'
import { ways } from './ways.ts'

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
  '../reading-without-end/README.md': searchWithTables,
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
        const [right, asked] = recall(one, stream, back)
        return asked === 0 ? [] : [[back, right / asked] as const]
      })), // prettier-ignore
      {
        x: { label: 'tokens back', ticks: [...BACK] },
        y: { label: 'share answered', ticks: [0, 0.25, 0.5, 0.75, 1], least: 0, most: 1 },
      },
    ),
  }
}

function draw(): void {
  writeFileSync(new URL('bits.svg', import.meta.url), pictures().bits)
  for (const [path, withTables] of Object.entries(PAGES)) {
    const page = new URL(path, import.meta.url)
    writeFileSync(page, withTables(readFileSync(page, 'utf8')))
  }
}

export const readingWithoutEnd: Experiment<readonly Judged[]> = {
  name: 'reading-without-end',
  question: 'Does a model remember what it read tens of thousands of tokens ago, in constant memory?',
  inALine: (all) =>
    all
      .map((one) => {
        const largest = endless[0].stream
        const [right, asked] = recall(one, largest, 10_000, ({ kind }) => kind === 'short')
        return `the ${one.name} model answers ${right} of ${asked} needles 10,000 tokens back (${largest} a head)`
      })
      .join('; '),
  asks: 'How long may two small models read in one go, what do they remember of it, and which stack for a byte budget remembers best? The models read *Moby-Dick* and the State of the Union. [Reading without end](../../docs/reading-without-end.md) says how to use it.',
  run() {
    ways()
    for (const name of MODELS) search(name)
    for (const name of MODELS) judge(name)
    return judged()
  },
  answer: () => claimsTable(),
  picture: () => pictures().picture,
  read: judged,
  elsewhere: draw,
}

await main(import.meta.url, readingWithoutEnd)
