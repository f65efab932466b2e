import { CANDIDATES } from './candidates.ts'
import { CHOSEN } from './chosen.ts'
import {
  AFTER,
  BACK,
  cells,
  freshBitsOf,
  judged,
  more,
  recall,
  searched,
  turned,
  type Judged,
  type Share,
} from './found.ts'
import { TEXTS, type Row } from './judge.ts'
import type { Stack } from './stacks.ts'
import { WAYS_AFTER, WAYS_BACK, waysRead } from './ways.ts'

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const bits = (value: number | undefined) =>
  value === undefined ? '–' : (value < 0.0005 && value > -0.0005 ? 0 : value).toFixed(3)
const share = ([right, asked]: Share) => (asked === 0 ? '–' : `${right} of ${asked}`)
const rate = ([right, asked]: Share) => right / asked
const tokens = (count: number) => count.toLocaleString('en')
const largest = () => `endless, ${Math.max(...Object.keys(CHOSEN).map(Number)) / 1000} kB`
const NAMES = { 'moby-dick-later': '*Moby-Dick*', 'state-of-the-union': 'State of the Union' }

function bitsTable(): string {
  const rows = judged().flatMap(
    (one) =>
    TEXTS.map((text) => [one.name, NAMES[text], ...AFTER.flatMap((_, i) => [bits(freshBitsOf(one, text, i)), bits(more(one, largest(), text, i))])]), // prettier-ignore
  )
  return table(
    ['model', 'text', ...AFTER.flatMap((after) => [`fresh, after ${tokens(after)}`, 'endless: more by'])],
    rows,
  )
}

function recallTable(): string {
  const rows = judged().flatMap((one) =>
    ['exact', largest()].map((stream) => [one.name, stream, ...Object.values(cells(one, stream)).map(share)]),
  )
  return table(
    ['model', 'heads remember with', '1,500 back in 3,000', '1,500 back in 12,000', '10,000 back in 12,000'],
    rows,
  )
}

const STREAMS = () => [...Object.keys(CHOSEN).toReversed().map((bytes) => `endless, ${Number(bytes) / 1000} kB`), 'window', 'sinks and window', 'exact'] // prettier-ignore

function budgetsTable(): string {
  const [text] = TEXTS
  const rows = judged().flatMap((one) =>
    STREAMS().flatMap((stream) => {
      const own = one.rows.filter((row) => row.stream === stream && row.kind === 'long')
      if (own.length === 0) return []
      const flat = own.every(({ bytes: [most, least] }) => most === least)
      const bytes = stream === 'exact' ? 'grows' : flat ? tokens(own[0].bytes[0]) : 'not flat'
      return [[one.name, stream, bytes, ...AFTER.map((_, i) => bits(more(one, stream, text, i))), ...BACK.map((back) => share(recall(one, stream, back, ({ kind }) => kind === 'long')))]] // prettier-ignore
    }),
  )
  return table(['model', 'heads remember with', 'bytes a head', ...AFTER.map((after) => `bits more, ${tokens(after)}`), ...BACK.map((back) => `${tokens(back)} back`)], rows) // prettier-ignore
}

const bitsOf = (pair: Stack['farBits']) => (pair ? pair.join('/') : '32')

function searchTable(): string {
  const [sharp, bounded] = searched()
  const chosen = Object.values(CHOSEN).map((stack) => JSON.stringify(stack))
  const found = bounded.found.toSorted((a, b) => b.budget - a.budget)
  const rows = found.flatMap(({ budget, stack, bytes, more: worse, right }) => {
    const other = sharp.found.find((one) => same(one.stack, stack))
    if (!other) return []
    const { window, far, farBits, nearBits, clamp, most, halvedAfter, crowd = 1 } = stack
    const { halfLife } = stack as { readonly halfLife?: number }
    const mark = chosen.includes(JSON.stringify(stack)) ? '**' : ''
    return [
      [
        `${budget / 1000} kB`,
        `${mark}${window}${mark}`,
        bitsOf(nearBits),
        String(far),
        bitsOf(farBits),
        halvedAfter ? tokens(halvedAfter) : 'never',
        String(crowd),
        String(clamp),
        halfLife ? `half-life ${halfLife}` : String(most),
        tokens(bytes),
        ...AFTER.map((_, i) => bits(other.more[i])),
        ...AFTER.map((_, i) => bits(worse[i])),
        ...[1, 2].flatMap((back) => [share(other.right[back]), share(right[back])]),
      ],
    ]
  })
  const head = [
    'within',
    'window',
    'bits',
    'far keys',
    'bits',
    'half after',
    'crowd',
    'clamp',
    'rest counts for',
    'bytes',
  ]
  const after = ['8k', '32k', '98k']
  return table(
    [
      ...head,
      ...['sharp', 'bounded'].flatMap((model) => after.map((at, i) => (i === 0 ? `${model}: bits more, ${at}` : at))),
      ...['10,000', '30,000'].flatMap((back) => [`sharp: ${back} back`, 'bounded']),
    ],
    rows,
  )
}

/** The most of the medians; NaN where nothing was read. */
function worst(one: Judged, text: Row['text']): number {
  const all = AFTER.flatMap((_, i) => more(one, largest(), text, i) ?? [])
  return all.length > 0 ? Math.max(...all) : NaN
}

export function claimsTable(): string {
  const all = judged()
  const rows = all.flatMap((one) => {
    const base = rate(cells(one, 'exact')['in 3,000'])
    const own = cells(one, largest())
    const ratios = [own['1,500 back in 12,000'], own['10,000 back in 12,000']].map((cell) => rate(cell) / base)
    return [
      ...TEXTS.map((text) => [`${one.name}: bits per byte within 0.03 of a fresh reader, ${NAMES[text]}`, most(worst(one, text)), Number.isNaN(worst(one, text)) ? '–' : said(worst(one, text) <= 0.03)]), // prettier-ignore
      [
        `${one.name}: needles 1,500 back in 12,000, ≥ 0.95 × exact in 3,000`,
        ratios[0].toFixed(2),
        said(ratios[0] >= 0.95),
      ],
      [
        `${one.name}: needles 10,000 back in 12,000, ≥ 0.95 × exact in 3,000`,
        ratios[1].toFixed(2),
        said(ratios[1] >= 0.95),
      ],
    ]
  })
  const reads = all.flatMap((one) => one.rows.filter(({ stream }) => stream.startsWith('endless')))
  const swings = reads.map(({ bytes: [most, least] }) => most - least)
  const flat = swings.filter((swing) => swing === 0).length
  const swing = Math.max(...swings)
  const ratio = Math.max(...turned().rows.map((row) => row.ratio))
  return table(['target', 'found', 'reached'], [...rows, ['memory flat to the byte after 4,096 tokens', `${flat} of ${reads.length} reads${swing > 0 ? `, the others move by at most ${swing} bytes a head` : ''}`, said(swing === 0)], ['keys turned at read cost ≤ 1.15 × keys turned at write', `at most ${ratio.toFixed(2)}`, said(ratio <= 1.15)]]) // prettier-ignore
}

const most = (value: number) => (Number.isNaN(value) ? 'not read' : `at most ${bits(value)} more`)
const said = (holds: boolean) => (holds ? 'yes' : '**no**')

function turnedLine(): string {
  const said = turned().rows.map(({ d, block, ratio }) => `${ratio.toFixed(2)} for d = ${d} ${block === 1 ? 'token by token' : `in steps of ${block} tokens`}`) // prettier-ignore
  return `CPU time of keys turned at read over that of keys turned at write: ${said.join(', ')}.`
}

function waysTable(): string {
  const rows = waysRead().map(({ name, bytes, more: worse, answers }) => [
    name,
    tokens(bytes),
    ...worse.map(bits),
    ...answers.flatMap(([right, asked, nats]) => [share([right, asked]), nats.toFixed(2)]),
  ])
  const head = ['way', 'bytes a head', ...WAYS_AFTER.map((after) => `bits more, ${tokens(after)}`)]
  return table([...head, ...WAYS_BACK.flatMap((back) => [`${tokens(back)} back`, 'surprise, nats'])], rows)
}

const ofPage = { claims: claimsTable, bits: bitsTable, recall: recallTable, turned: turnedLine }
const ofSearch = {
  budgets: budgetsTable,
  search: searchTable,
  ways: waysTable,
}

/** docs/reading-without-end.md with its tables from the committed results. */
export const pageWithTables = (page: string): string => withSections(page, ofPage)

/** The README with the tables of the search. */
export const searchWithTables = (page: string): string => withSections(page, ofSearch)

function withSections(page: string, sections: Readonly<Record<string, () => string>>): string {
  return Object.entries(sections).reduce((text, [name, make]) => {
    const [open, close] = [`<!-- without-end:${name} -->`, '<!-- /without-end -->']
    const start = text.indexOf(open)
    const end = text.indexOf(close, start)
    if (start < 0 || end < 0) throw new RangeError(`without-end: the page must have a section ${open} … ${close}`)
    return `${text.slice(0, start)}${open}\n\n${make()}\n\n${text.slice(end)}`
  }, page)
}

/** Bits per byte that are not told apart here. */
const LITTLE = 0.003

/** Needles that are not told apart here: of 32 of both models, 10,000 tokens back. */
const FEW = 2

/**
 * Stack that the rule chooses: of a budget's candidates that answer at most FEW needles fewer than the best, the first whose largest excess of bits, over models and lengths, is within LITTLE of the least;
 * those that fade slower stand before.
 */
export function chosenByRule(budget: number): Stack {
  const all = searched()
  const scored = CANDIDATES[budget].map((stack) => {
    const both = all.map(({ found }) => found.find((one) => same(one.stack, stack)))
    const needles = both.reduce((sum, one) => sum + (one?.right[1][0] ?? NaN), 0)
    return { stack, needles, worst: Math.max(...both.flatMap((one) => one?.more ?? [NaN])) }
  })
  const most = Math.max(...scored.map(({ needles }) => needles))
  const able = scored.filter(({ needles }) => needles >= most - FEW)
  const least = Math.min(...able.map(({ worst }) => worst))
  return able.find(({ worst }) => worst <= least + LITTLE)!.stack
}

function same(a: Stack, b: Stack): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
