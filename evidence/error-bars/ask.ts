/**
 * `node evidence/error-bars/ask.ts [name q.npy k.npy v.npy …]`: do 95 % error bars hold on captured heads, what do they cost, and how does a bar
 * move while its stream grows? All tokens but the last are summarised, some of the last rows ask. Three minutes for the sample.
 */
import {
  errorBars as barsOf,
  exactAttention,
  normalise,
  policies,
  quantised,
  tiers,
  type AttentionStream,
  type Matrix,
  type Shape,
  type StreamSpec,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { capturesOf, type Head } from '../kit/captures.ts'
import { main, type Experiment, type Kept } from '../kit/experiment.ts'
import { streamOf, tierOf } from '../kit/methods-named.ts'
import { certified, type Certified } from './certificate.ts'
import { ALLOWED, synthetic, type Synthetic } from './synthetic.ts'
import { plot } from '../kit/plot.ts'
import { pick, relativeError } from '../kit/trivial-answers.ts'

/** Rows that are not summarised, and how many of them ask. */
const [LAST, QUERIES] = [512, 8]
const Z = 1.96
/**
 * Seeds of a head, from the first on: its rows share the noise of one, so that a share of entries says little about bars before there are many. A head whose share still has a standard error
 * above UNSURE is run over MORE. Rules of flags were chosen on own heads by seeds 1 to 8; these are others.
 */
const [FIRST, SEEDS, MORE, UNSURE] = [201, 8, 64, 0.015]
/** Where a bar is drawn over a growing stream: every so many tokens. */
const STEP = 64

interface Tried {
  readonly name: string
  readonly make: (shape: Shape, tokens: number, seed: number) => AttentionStream
}

const held = (bits: number): Tried => ({
  name: `all tokens, ${bits} bits`,
  make: (shape, tokens, seed) =>
    streamOf('farKeys', { count: tokens, store: quantised({ keyBits: bits, valueBits: bits, dither: seed }) })(shape),
})
const auto = (share: number): Tried => ({
  name: `auto, 1/${share} of the cache`,
  make: (shape, tokens, seed) =>
    streamOf('auto', { tokens, budgetBytes: cacheBytes(shape, tokens) / share, errorBars: seed })(shape),
})
/** Tokens held out to judge a summary by, one in eight, in 8 bits. */
const judged = (of: (tokens: number) => StreamSpec, tokens: number, seed: number) =>
  policies.measured({
    of: of(tokens),
    count: Math.floor(tokens / 8),
    seed,
    store: quantised({ keyBits: 8, valueBits: 8, dither: seed }),
  })
const measuredOf = (name: string, of: (tokens: number) => StreamSpec): Tried => ({
  name: `${name}, measured`,
  make: (shape, tokens, seed) => judged(of, tokens, seed)(shape),
})
/** Sinks that hold the first 4 tokens. In some heads one token takes a tenth of the mass, and a sample of one token in eight mostly lacks it. */
const first4 = () => tierOf('sinks', { count: 4 })
const METHODS: readonly Tried[] = [
  held(3),
  held(4),
  held(6),
  auto(4),
  auto(8),
  {
    name: 'reservoir, 1/8 of the cache',
    make: (shape, tokens, seed) => streamOf('reservoir', { count: Math.floor(tokens / 8), seed })(shape),
  },
  {
    name: 'first 4 tokens, and a reservoir of 1/8',
    make: (shape, tokens, seed) =>
      tiers({ ...shape, parts: [first4(), tierOf('reservoir', { count: Math.floor(tokens / 8), seed })] }),
  },
  {
    name: 'first 4 tokens, and a closure, measured',
    make: (shape, tokens, seed) =>
      tiers({ ...shape, parts: [first4(), judged(() => streamOf('closure'), tokens, seed)] }),
  },
  measuredOf('1/32 of the tokens as clusters', (tokens) => streamOf('clusters', { count: Math.floor(tokens / 32) })),
  measuredOf('1/16 of the tokens as far keys', (tokens) => streamOf('farKeys', { count: Math.floor(tokens / 16) })),
  {
    name: '1/16 as far keys, a closure of the rest, measured',
    make: (shape, tokens, seed) =>
      tiers({
        ...shape,
        parts: [tierOf('farKeys', { count: Math.floor(tokens / 16) }), judged(() => streamOf('closure'), tokens, seed)],
      }),
  },
]

export interface BarRow {
  /** The first of the seeds of each head, how many there were at least, and how many of each. */
  readonly firstSeed?: number
  readonly seeds: number
  readonly seedsOf?: readonly number[]
  readonly model: string
  readonly method: string
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F, by head; and of plain codes in as many bits, where the method holds all tokens in codes. */
  readonly errors: readonly number[]
  readonly plain?: readonly number[]
  /** Half-widths of 95 % bars over the answers, ‖1.96·se‖_F/‖o‖_F, by head. */
  readonly widths: readonly number[]
  /** Share of the rows with a flag, and of the entries of the others that lie within their bar, by head; null where all rows have one. */
  readonly flagged: readonly number[]
  readonly covered: readonly (number | null)[]
  /** Standard error of that share over the seeds. */
  readonly coverageErrors?: readonly (number | null)[]
  /** Entries of rows without a flag, by head. */
  readonly entries: readonly number[]
  /** Milliseconds a query row without bars and with them, and of plain codes; medians over heads. */
  readonly time: { readonly without: number; readonly with: number; readonly plain?: number }
}

export interface Bars {
  readonly node: string
  readonly heads: readonly { readonly model: string; readonly names: readonly string[]; readonly tokens: number }[]
  readonly rows: readonly BarRow[]
  /** Bounds that could be proved instead of measured, of the first model's heads. */
  readonly certified?: readonly Certified[]
  /** Measured bars on synthetic tokens, over many sets of seeds. */
  readonly synthetic?: readonly Synthetic[]
  /** One answer over a growing stream: entry 0 of one query. */
  readonly growing: readonly {
    readonly tokens: number
    readonly answer: number
    readonly error: number
    readonly exact: number
  }[]
}

export const errorBars: Experiment<Bars> = {
  name: 'error-bars',
  question: 'Do error bars hold on captured heads?',
  inALine: ({ rows }) => {
    const held = rows.map(({ covered }) => mean(covered.filter((share) => share !== null)))
    return `error bars of 95 % cover ${(100 * Math.min(...held)).toFixed(0)} to ${(100 * Math.max(...held)).toFixed(0)} % of the entries of rows without a flag, depending on the method`
  },
  asks:
    `Do error bars hold on captured heads? All tokens of a head but the last ${LAST} (of 2,048, the last 256) are summarised, and ${QUERIES} of the last rows ask. In rows without a flag 95 % of ` +
    'the entries should lie within 1.96 standard errors of exact attention over all tokens.',
  run: measured,
  file: (args) => (args.every((arg) => arg === '--more') ? 'result.json' : 'full.json'),
  answer: (result) => `On the committed sample:\n\n${table(result)}`,
  all: (full) => `On all captured heads, those of two models that nobody here trained among them:\n\n${table(full)}`,
  picture: (result) => {
    const of = (value: (one: Bars['growing'][number]) => number) =>
      result.growing.map((one) => [one.tokens, value(one)] as const)
    return plot('An answer and its 95 % error bar over a growing stream, in 1/16 of the final cache', [
      {
        title: 'one entry of one answer, bounded head 0.0',
        x: { label: 'tokens' },
        y: { label: 'answer' },
        lines: [
          { name: 'exact attention', points: of(({ exact }) => exact) },
          { name: 'answer', points: of(({ answer }) => answer) },
          { name: 'its 95 % bar', dashed: true, colour: 2, points: of(({ answer, error }) => answer + Z * error) },
          {
            name: 'its 95 % bar, below',
            dashed: true,
            colour: 2,
            points: of(({ answer, error }) => answer - Z * error),
          },
        ],
      },
    ])
  },
}

const cacheBytes = ({ d, dv }: Shape, tokens: number) => 4 * tokens * (d + dv)
const shapeOf = ({ keys, values }: Head): Shape => ({ d: keys.cols, dv: values.cols, scale: 1 / Math.sqrt(keys.cols) })

/** Measures all methods. With captures, the rows of models that are not among them stay as they were measured before; with `--more` those that are there, too. */
function measured(given: readonly string[], { before, keep }: Kept<Bars>): Bars {
  const args = given.filter((arg) => arg !== '--more')
  const models = capturesOf(args)
  const isCaptured = args.length > 0
  const isOther = ({ model }: { readonly model: string }) => isCaptured && !models.some(({ name }) => name === model)
  const rows = (before?.rows ?? []).filter(isOther)
  const result: Bars = {
    node: process.version,
    heads: [
      ...(before?.heads ?? []).filter(isOther),
      ...models.map(({ name, heads }) => ({
        model: name,
        names: heads.map((head) => head.name),
        tokens: lengthOf(heads[0]),
      })),
    ],
    rows,
    ...(!isCaptured && {
      certified: models[0].heads.map((head) => certified(head, lengthOf(head), asking(head))),
      synthetic: synthetic(),
    }),
    growing: growing(models[0].heads[0]),
  }
  for (const { name, heads } of models) {
    for (const method of METHODS) {
      const known = before?.rows.find((row) => row.model === name && row.method === method.name)
      if (known?.firstSeed === FIRST && given.includes('--more')) {
        rows.push(known)
        continue
      }
      rows.push(rowOf(name, heads, method))
      keep(result)
    }
  }
  return result
}

const lengthOf = ({ keys }: Head) => keys.rows - (keys.rows > 2048 ? LAST : LAST / 2)

/** The rows that ask. */
function asking(head: Head): Matrix {
  const tokens = lengthOf(head)
  const every = Math.floor((head.keys.rows - tokens) / QUERIES)
  return pick(
    head.queries,
    Array.from({ length: QUERIES }, (_, i) => tokens + i * every),
  )
}

function rowOf(model: string, heads: readonly Head[], method: Tried): BarRow {
  const found = heads.map((head) => ofHead(head, method))
  const by = <K extends keyof (typeof found)[number]>(name: K) => found.map((one) => one[name])
  const plain = by('plain')
  return {
    model,
    method: method.name,
    firstSeed: FIRST,
    seeds: SEEDS,
    seedsOf: by('seeds'),
    bytes: Math.max(...by('bytes')),
    errors: by('error'),
    ...(plain.every((one) => one !== undefined) && { plain: plain.flatMap((one) => one?.error ?? []) }),
    widths: by('width'),
    flagged: by('flagged'),
    covered: by('covered'),
    coverageErrors: by('coverageError'),
    entries: by('entries'),
    time: {
      without: median(by('without')),
      with: median(by('with')),
      ...(plain.every((one) => one !== undefined) && { plain: median(plain.flatMap((one) => one?.time ?? [])) }),
    },
  }
}

function ofHead(head: Head, { name, make }: Tried) {
  const shape = shapeOf(head)
  const tokens = lengthOf(head)
  const [keys, values] = [rowsOf(head.keys, 0, tokens), rowsOf(head.values, 0, tokens)]
  const queries = asking(head)
  const exact = exactAttention({ queries, keys, values, scale: shape.scale })
  const { dv } = shape
  let [within, entries, flags, bytes] = [0, 0, 0, 0]
  const [errors, widths, without, withBars]: number[][] = [[], [], [], []]
  const shares: number[] = []
  let seeds = 0
  for (let most = SEEDS; seeds < most; most = seeds === SEEDS && unsure(shares) > UNSURE ? MORE : most) {
    const seed = FIRST + seeds++
    const [before, beforeOf] = [within, entries]
    const stream = make(shape, tokens, seed)
    stream.push({ keys, values })
    bytes = Math.max(bytes, stream.bytes)
    if (seed === FIRST) {
      without.push(timed(() => stream.attend(queries)))
      withBars.push(timed(() => stream.attend(queries, { errorBars: true })))
    }
    const partial = stream.attend(queries, { errorBars: true })
    const answers = normalise(partial)
    const { error, flagged } = barsOf(partial)
    errors.push(relativeError(answers, exact))
    widths.push((Z * norm(error)) / norm(exact))
    for (let r = 0; r < QUERIES; r++) {
      flags += flagged[r]
      if (flagged[r]) continue
      for (let i = r * dv; i < (r + 1) * dv; i++) {
        entries++
        if (Math.abs(answers.data[i] - exact.data[i]) <= Z * error.data[i]) within++
      }
    }
    if (entries > beforeOf) shares.push((within - before) / (entries - beforeOf))
  }
  return {
    bytes,
    error: mean(errors),
    width: mean(widths),
    flagged: flags / (QUERIES * seeds),
    seeds,
    coverageError: shares.length > 1 ? unsure(shares) : null,
    covered: entries > 0 ? within / entries : null,
    entries,
    without: median(without),
    with: median(withBars),
    plain: plainOf(name, shape, { keys, values, queries, exact, tokens }),
  }
}

/** Error and time of plain codes, for the methods that hold all tokens in codes. */
function plainOf(
  name: string,
  shape: Shape,
  {
    keys,
    values,
    queries,
    exact,
    tokens,
  }: { keys: Matrix; values: Matrix; queries: Matrix; exact: Matrix; tokens: number },
) {
  const bits = Number(/all tokens, (\d) bits/.exec(name)?.[1])
  if (!bits) return undefined
  const stream = streamOf('farKeys', { count: tokens, store: quantised({ keyBits: bits, valueBits: bits }) })(shape)
  stream.push({ keys, values })
  const time = timed(() => stream.attend(queries))
  return { error: relativeError(normalise(stream.attend(queries)), exact), time }
}

/** Milliseconds of processor time a query row, of the best of three calls. */
function timed(ask: () => unknown): number {
  let best = Infinity
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage()
    ask()
    best = Math.min(best, process.cpuUsage(before).user / 1000)
  }
  return best / QUERIES
}

function growing(head: Head): Bars['growing'] {
  const shape = shapeOf(head)
  const tokens = lengthOf(head)
  const query = rowsOf(head.queries, tokens, tokens + 1)
  const stream = streamOf('auto', { tokens, budgetBytes: cacheBytes(shape, tokens) / 16, errorBars: 1 })(shape)
  return Array.from({ length: Math.floor(tokens / STEP) }, (_, i) => {
    const to = (i + 1) * STEP
    stream.push({ keys: rowsOf(head.keys, to - STEP, to), values: rowsOf(head.values, to - STEP, to) })
    const partial = stream.attend(query, { errorBars: true })
    const [keys, values] = [rowsOf(head.keys, 0, to), rowsOf(head.values, 0, to)]
    return {
      tokens: to,
      answer: normalise(partial).data[0],
      error: barsOf(partial).error.data[0],
      exact: exactAttention({ queries: query, keys, values, scale: shape.scale }).data[0],
    }
  })
}

const norm = ({ data }: Matrix) => Math.hypot(...data)
/** Standard error of the mean of the seeds' shares. */
const unsure = (shares: readonly number[]) => (shares.length > 1 ? deviation(shares) / Math.sqrt(shares.length) : 0)
const deviation = (all: readonly number[]) =>
  Math.sqrt(all.reduce((sum, x) => sum + (x - mean(all)) ** 2, 0) / (all.length - 1))
const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / all.length
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1]

/** Fewest entries of which a share says anything about a head. */
export const ENOUGH = 500

/** Coverage of the heads of a row: of all entries, and of the worst head that has enough of them. */
export function coverageOf({ covered, entries }: BarRow): {
  readonly all: number | null
  readonly worst: number | null
} {
  const total = entries.reduce((a, b) => a + b, 0)
  const inside = covered.reduce((sum: number, share, i) => sum + (share ?? 0) * entries[i], 0)
  const enough = covered.filter((share, i): share is number => share !== null && entries[i] >= ENOUGH)
  return { all: total > 0 ? inside / total : null, worst: enough.length > 0 ? Math.min(...enough) : null }
}

/** Heads with enough entries, over rows: how many, those whose bars cover less than a share, and those that do by more than two of their standard errors. */
export function below(rows: readonly BarRow[], share: number) {
  const heads = rows.flatMap(({ covered, coverageErrors, entries }) =>
    covered.flatMap((one, i) => (one !== null && entries[i] >= ENOUGH ? [[one, coverageErrors?.[i] ?? Infinity]] : [])),
  )
  return {
    below: heads.filter(([one]) => one < share).length,
    surely: heads.filter(([one, error]) => one + 2 * error < share).length,
    of: heads.length,
  }
}

export const isSample = ({ method }: BarRow) => method.startsWith('reservoir')
export const isMeasured = ({ method }: BarRow) => method.endsWith('measured')

const three = (x: number | null) => (x === null ? '–' : x.toFixed(3))

/** Groups of methods by what their bars rest on. */
const GROUPS: Readonly<Record<string, (row: BarRow) => boolean>> = {
  'dithered codes, auto, and a reservoir behind first tokens': (row) => !isSample(row) && !isMeasured(row),
  'a reservoir alone': isSample,
  'measured bars': isMeasured,
}

/** Ratio of ‖se‖_F and ‖ô − o‖_F, mean over the heads. */
const ratio = ({ widths, errors }: BarRow) => mean(widths.map((width, i) => width / Z / errors[i]))

function table({ node, heads, rows, certified: proved, synthetic: tried }: Bars): string {
  const short = Object.entries(GROUPS).map(([name, is]) => {
    const found = below(rows.filter(is), 0.9)
    return `${found.below} of ${found.of} of ${name} (${found.surely} by more than two standard errors over the seeds)`
  })
  return [
    '| heads | held | bytes | error | of plain codes | half-width of bars | bar over error | rows flagged | covered | worst head | ms a row, with bars, plain codes |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const { all, worst } = coverageOf(row)
      const { time } = row
      const costs = [time.without, time.with, time.plain].map((x) => (x === undefined ? '–' : x.toFixed(2)))
      return `| ${row.model} | ${row.method} | ${(row.bytes / 1000).toFixed(1)} kB | ${three(mean(row.errors))} | ${row.plain ? three(mean(row.plain)) : '–'} | ${three(mean(row.widths))} | ${ratio(row).toFixed(1)} | ${mean(row.flagged).toFixed(2)} | ${three(all)} | ${three(worst)} | ${costs.join(', ')} |`
    }),
    '',
    `Means over the heads (${heads.map(({ model, names, tokens }) => `${names.length} of ${model}, ${tokens} tokens`).join('; ')}) of ‖ô − o‖_F/‖o‖_F and of ‖1.96·se‖_F/‖o‖_F, all rows, ${seedsText(rows)}. Bar over error: ‖se‖_F over ‖ô − o‖_F. Covered: entries of rows without a flag; worst: of heads with ` +
      `${ENOUGH} such entries and more; below 0.90 are ${short.join('; ')}. Measured: by one token in eight, held out in 8 bits. Time: processor time of one query row of ${QUERIES}. Node ${node}.`,
    ...(proved
      ? [
          '',
          'What could be proved instead of measured, of a closure behind 256 far keys, from mean, covariance and range of the rest: half-widths over ‖o‖_F, cut off at what the range of all values leaves by itself.',
          '',
          '| head | error | certified | range of values |',
          '| --- | --- | --- | --- |',
          ...proved.map(
            (one) =>
              `| ${heads[0].model} ${one.head} | ${three(one.error)} | ${one.certified.toFixed(1)} | ${one.range.toFixed(1)} |`,
          ),
        ]
      : []),
    ...(tried ? ['', ...chanceTable(tried)] : []),
  ].join('\n')
}

/** How many seeds there were. Rows of an older run say only one number. */
function seedsText(rows: readonly BarRow[]): string {
  const all = rows.flatMap(({ seedsOf }) => seedsOf ?? [])
  const few = `over ${rows[0]?.seeds} seeds`
  if (all.length === 0) return few
  return `${few} from ${rows[0].firstSeed} on, and over ${MORE} for the heads whose share has a standard error above ${UNSURE} after those (${all.filter((seeds) => seeds > SEEDS).length} of ${all.length})`
}

/** The table of measured bars on synthetic tokens: is what sets of seeds differ by more than chance? */
function chanceTable(tried: readonly Synthetic[]): string[] {
  const total = (of: (one: Synthetic) => number) => tried.reduce((sum, one) => sum + of(one), 0)
  const [{ sets, streams }] = tried
  const [outside, byEntries, byStreams] = [
    total((one) => one.outside),
    total((one) => one.byEntries),
    total((one) => one.byStreams),
  ]
  return [
    `Measured bars on synthetic tokens of two kinds, as in their test: ${sets} other sets of ${streams} streams. How many sets should leave ${ALLOWED[0]} to ${ALLOWED[1]} by chance?`,
    '',
    '| summary | covered, all sets | least and most | entries of a set | sets outside | by independent entries | by streams drawn at random | variance over that of independent entries |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...tried.map(
      (one) =>
        `| ${one.summary} | ${three(one.covered)} | ${three(one.least)}, ${three(one.most)} | ${one.entries} | ${one.outside} | ${one.byEntries.toFixed(1)} | ${one.byStreams.toFixed(1)} | ${one.effect.toFixed(0)} |`,
    ),
    '',
    `All rows and entries of a stream share one sample, so they are far from independent: ${outside} of ${tried.length * sets} sets are outside, ${byEntries.toFixed(1)} would be if entries were independent, and ${byStreams.toFixed(1)} are if only streams are. What is more than the first is the sample that a stream has in common, not a fault of bars; what the mean of all sets lacks of 0.95 or has more is theirs.`,
  ]
}

await main(import.meta.url, errorBars)
