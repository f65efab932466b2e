/**
 * `node evidence/entropy-coded/ask.ts`: what an entropy code brings tokens in few bits, at equal bytes, on heads of four kinds; and what it costs in time.
 */
import { autoStream, exactAttention, normalise, type Shape } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import type { Stack } from '@sublinear/kv-cache'
import { cpus } from 'node:os'
import { cpuUsage } from 'node:process'
import { fileURLToPath } from 'node:url'
import { readHeads, sample, type Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'
import { relativeError } from '../kit/trivial-answers.ts'

const foreign = (name: string) => {
  const path = (part: string) => fileURLToPath(new URL(`../kit/foreign/${name}_${part}.npy`, import.meta.url))
  return readHeads({ q: path('q'), k: path('k'), v: path('v') })
}

interface Group {
  readonly name: string
  readonly queries: number
  readonly shares: readonly number[]
  readonly heads: () => readonly Head[]
}
/** One head of each kind: of the committed sample, and of models that nobody here trained. */
const GROUPS: readonly Group[] = [
  { name: 'sharp', queries: 512, shares: [4, 7, 16], heads: () => readHeads(sample('sharp')).slice(2, 3) },
  { name: 'bounded', queries: 512, shares: [4, 7, 16], heads: () => readHeads(sample('bounded')).slice(2, 3) },
  { name: 'OCR', queries: 256, shares: [4, 8, 16], heads: () => foreign('ocr').slice(2, 3) },
  { name: 'encoder', queries: 256, shares: [4, 8, 16], heads: () => foreign('use').slice(2, 3) },
]

const stack = (by: string, keyBits: number, valueBits: number, rest: string): Stack => ({
  window: 0,
  kept: [{ by, share: 1, keyBits, valueBits }],
  rest,
})
const PLAIN: Readonly<Record<string, Stack>> = {
  'far keys 8/6 + closure': stack('farKeys', 8, 6, 'closure'),
  'far keys 6/4 + closure': stack('farKeys', 6, 4, 'closure'),
  'far keys 5/3 + mean': stack('farKeys', 5, 3, 'mean'),
}
const CODED: Readonly<Record<string, Stack>> = {
  'entropyCoded 7.5 + closure': stack('entropyCoded', 8, 7, 'closure'),
  'entropyCoded 5.5 + closure': stack('entropyCoded', 6, 5, 'closure'),
  'entropyCoded 3.5 + closure': stack('entropyCoded', 4, 3, 'closure'),
}
const ALL = { ...PLAIN, ...CODED }
/** Tokens a call. */
const BLOCK = 64

interface Row {
  readonly group: string
  readonly share: number
  readonly method: string
  /** ‖ô − o‖_F/‖o‖_F by head; null where it does not fit. */
  readonly errors: readonly (number | null)[]
}
interface Timed {
  readonly method: string
  /** CPU: µs a token that comes, ms for one query and for all. */
  readonly token: number
  readonly one: number
  readonly all: number
}
interface EntropyCodedTokens {
  readonly node: string
  readonly cpu: string
  readonly heads: Readonly<Record<string, readonly string[]>>
  readonly rows: readonly Row[]
  readonly times: readonly Timed[]
}

/** A stack over all but the last queries' tokens of a head. */
function filled(head: Head, asked: number, share: number, own: Stack) {
  const [d, dv, tokens] = [head.keys.cols, head.values.cols, head.keys.rows - asked]
  const shape: Shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const budgetBytes = Math.floor((4 * (d + dv) * tokens) / share)
  try {
    const stream = autoStream({ ...shape, budgetBytes, tokens: Infinity, stack: own })
    for (let from = 0; from < tokens; from += BLOCK) {
      const to = Math.min(tokens, from + BLOCK)
      stream.push({ keys: rowsOf(head.keys, from, to), values: rowsOf(head.values, from, to) })
      if (stream.bytes > budgetBytes) throw new Error(`entropy-coded: ${stream.bytes} bytes held of ${budgetBytes}`)
    }
    return stream
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function measured({ name, queries: asked, shares, heads }: Group): Row[] {
  const found = heads().map((head) => {
    const tokens = head.keys.rows - asked
    const block = { keys: rowsOf(head.keys, 0, tokens), values: rowsOf(head.values, 0, tokens) }
    const queries = rowsOf(head.queries, tokens, head.keys.rows)
    return { head, queries, exact: exactAttention({ queries, ...block, scale: 1 / Math.sqrt(head.keys.cols) }) }
  })
  return shares.flatMap((share) =>
    Object.entries(ALL).map(([method, own]) => {
      const errors = found.map(({ head, queries, exact }) => {
        const stream = filled(head, asked, share, own)
        const error = stream ? relativeError(normalise(stream.attend(queries)), exact) : null
        stream?.[Symbol.dispose]()
        return error
      })
      console.error(name, share, method, errors.map((error) => error?.toFixed(4)).join(' '))
      return { group: name, share, method, errors }
    }),
  )
}

/** CPU time of a call in µs: the least of some. */
function timeOf(call: () => void, times: number): number {
  return Math.min(
    ...Array.from({ length: times }, () => {
      const { user } = cpuUsage()
      call()
      return cpuUsage().user - user
    }),
  )
}

function timed(head: Head, method: string): Timed {
  const tokens = head.keys.rows - 512
  const make = () => filled(head, 512, 7, ALL[method])!
  const token = timeOf(() => make()[Symbol.dispose](), 3) / tokens
  const stream = make()
  const [one, all] = [1, 512].map((rows) => {
    const queries = rowsOf(head.queries, tokens, tokens + rows)
    return timeOf(() => stream.attend(queries), 7) / 1000
  })
  stream[Symbol.dispose]()
  return { method, token, one, all }
}

const mean = ({ errors }: Row) =>
  errors.includes(null) ? Infinity : (errors as number[]).reduce((a, b) => a + b, 0) / errors.length
const figure = (error: number) => (error < 0.1 ? error.toFixed(4) : error.toFixed(3)).replace(/^0/, '')

/** Each share of a group, with the best of the plain stacks and of the coded ones. */
function places({ rows }: EntropyCodedTokens) {
  return GROUPS.flatMap(({ name, shares }) =>
    shares.map((share) => {
      const own = rows.filter((row) => row.group === name && row.share === share)
      const bestOf = (some: object) =>
        own.filter(({ method }) => method in some).reduce((a, b) => (mean(b) < mean(a) ? b : a))
      const best = { plain: bestOf(PLAIN), coded: bestOf(CODED) }
      return { name: `${name}, 1/${share}`, ...best, ratio: mean(best.coded) / mean(best.plain), rows: own }
    }),
  )
}

function answer(result: EntropyCodedTokens): string {
  const found = places(result)
  const cells = (of: (place: (typeof found)[number]) => string) => found.map(of).join(' | ')
  const lines = Object.keys(ALL).map((method) => {
    const errors = cells(({ rows, plain, coded }) => {
      const error = mean(rows.find((row) => row.method === method)!)
      const text = error < Infinity ? figure(error) : '–'
      return error === Math.min(mean(plain), mean(coded)) ? `**${text}**` : text
    })
    return `| ${method} | ${errors} |`
  })
  const [lost, won] = [found.filter(({ ratio }) => ratio > 1), found.filter(({ ratio }) => ratio <= 1)]
  return [
    `| stack | ${cells(({ name }) => name)} |`,
    `| --- | ${cells(() => '---')} |`,
    ...lines,
    `| best coded / best plain | ${cells(({ ratio }) => ratio.toFixed(2))} |`,
    '',
    `Coded tokens have less error in ${won.length} of ${found.length} places${lost.length > 0 ? `, and more in ${lost.map(({ name }) => name).join('; ')}` : ''}.`,
    '',
    '| stack, 1/7 of a cache of 3584 tokens | a token, µs | one query, ms | 512 queries, ms |',
    '| --- | --- | --- | --- |',
    ...result.times.map(
      ({ method, token, one, all }) => `| ${method} | ${token.toFixed(1)} | ${one.toFixed(2)} | ${all.toFixed(0)} |`,
    ),
    '',
    `Times are CPU times, each the least of several: one core of ${result.cpu}, Node ${result.node}. The heads are ${Object.entries(
      result.heads,
    )
      .map(([group, names]) => `${names.join(', ')} of ${group}`)
      .join('; ')}.`,
  ].join('\n')
}

export const entropyCodedTokens: Experiment<EntropyCodedTokens> = {
  name: 'entropy-coded',
  question: 'How much does an entropy code gain over plain few bits, and what does it cost?',
  inALine: (result) =>
    GROUPS.map(({ name }) => {
      const ratios = places(result).filter((place) => place.name.startsWith(`${name},`))
      return `${name} ${ratios.map(({ ratio }) => ratio.toFixed(2)).join(', ')}`
    }).join('; ') + ' times the error of the best plain bits, at 1/4 to 1/16 of the cache',
  asks:
    'How much does an entropy code gain over plain few bits, and what does it cost? Stacks of one tier and a rest are compared in equal bytes, with everything counted; no stack is fitted to its head. All tokens ' +
    'but the last 512 are pushed (but the last 256 for the two models from elsewhere), and the last queries ask about them. There is one head of each kind. The error is ‖ô − o‖_F/‖o‖_F, and shares are of the float32 cache. ' +
    'The names give bits for a key / a value of plain codes, and the average bits of an entry of coded ones.',
  run: () => {
    const sharp = GROUPS[0].heads()[0]
    return {
      node: process.version,
      cpu: cpus()[0].model,
      heads: Object.fromEntries(GROUPS.map(({ name, heads }) => [name, heads().map((head) => head.name)])),
      rows: GROUPS.flatMap(measured),
      times: ['far keys 6/4 + closure', 'entropyCoded 7.5 + closure', 'entropyCoded 3.5 + closure'].map((method) =>
        timed(sharp, method),
      ),
    }
  },
  answer,
  picture: (result) =>
    plot(
      'Relative error by kind of head',
      GROUPS.map(({ name, shares }) => ({
        title: `${name} heads`,
        x: { label: 'cache / bytes', log: true, ticks: shares },
        y: { label: 'relative error', most: 0.6 },
        lines: Object.keys(ALL).map((method) => ({
          name: method,
          dashed: method in PLAIN,
          points: result.rows
            .filter((row) => row.group === name && row.method === method && mean(row) < Infinity)
            .map((row) => [row.share, mean(row)] as const),
        })),
      })),
    ),
}

await main(import.meta.url, entropyCodedTokens)
