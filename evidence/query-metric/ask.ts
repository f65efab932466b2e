/**
 * `node evidence/query-metric/ask.ts ['as built']`: do far keys and clusters become better when distances are measured as the queries see them? Four groups of heads, at
 * equal bytes: the whole prefix in view, and in one pass as `autoStream` does it. With 'as built' that alone is measured anew.
 */
import {
  autoStream,
  closureStream,
  exactAttention,
  normalise,
  type KvBlock,
  type Matrix,
  type Shape,
} from '@sublinear/attention'
import { addPartial } from '@sublinear/exact-attention'
import { pickedRows, rowsOf } from '@sublinear/core'
import { clusters, queryMetric as metricOf, quantisedStream, type Kept, type Stack } from '@sublinear/kv-cache'
import { fileURLToPath } from 'node:url'
import { readHeads } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { mean } from '../kit/mean.ts'
import { plot } from '../kit/plot.ts'
import { capturedHeads } from '../kit/text-captures.ts'
import { relativeError } from '../kit/trivial-answers.ts'

const foreign = (name: string) => {
  const path = (part: string) => fileURLToPath(new URL(`../kit/foreign/${name}_${part}.npy`, import.meta.url))
  return readHeads({ q: path('q'), k: path('k'), v: path('v') })
}
const ours = (model: 'sharp' | 'bounded') => {
  const heads = capturedHeads({ model, text: 'persuasion', tokens: 4096 })
  return [0, 3, 5, 6, 10, 15].map((place) => heads[place])
}
const GROUPS = [
  { name: 'sharp', asked: 512, heads: () => ours('sharp') },
  { name: 'bounded', asked: 512, heads: () => ours('bounded') },
  { name: 'OCR', asked: 256, heads: () => foreign('ocr') },
  { name: 'encoder', asked: 256, heads: () => foreign('use') },
]
const SHARES = [8, 16, 32]
/** Tokens whose queries a pilot has. */
const PILOT = 512
/** Shares of the plain metric that are mixed in, so that no direction has none. */
const PLAIN = [0.01, 0.3]

const tier = (by: string, share: number): Kept => ({ by, share, keyBits: 6, valueBits: 4 })
const STACKS: Readonly<Record<string, Stack>> = {
  'far keys + closure': { window: 0, kept: [tier('farKeys', 1)], rest: 'closure' },
  'far keys + clusters': { window: 0, kept: [tier('farKeys', 0.5), tier('clusters', 0.5)], rest: 'none' },
  clusters: { window: 0, kept: [tier('clusters', 1)], rest: 'none' },
}

/** Where the second moments of the queries come from: none, the first tokens, all tokens of the prefix, or the later queries themselves, which no stream knows. */
const FROM = ['plain', 'pilot', 'prefix', 'asked'] as const
type From = (typeof FROM)[number]

interface Row {
  readonly group: string
  readonly share: number
  readonly stack: string
  readonly from: From
  readonly plain: number
  /** Whether the codes, too, are in the metric. */
  readonly coded: boolean
  /** ‖ô − o‖_F/‖o‖_F by head; null where it does not fit. */
  readonly errors: readonly (number | null)[]
}
interface Metric {
  readonly heads: Readonly<Record<string, readonly string[]>>
  readonly rows: readonly Row[]
  /** Stacks in one pass, the bytes of the metric counted. */
  readonly built: readonly Built[]
}
interface Built extends Pick<Row, 'group' | 'share' | 'stack' | 'errors'> {
  readonly from: Exclude<From, 'asked'>
}

/** C of M = C·Cᵀ, for M the second moments of queries with a share of the plain metric of the same trace; d × d, lower. */
function factorOf({ rows, cols: d, data }: Matrix, plain: number): Float64Array {
  const moments = new Float64Array(d * d)
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) moments[i * d + j] += (data[r * d + i] * data[r * d + j]) / rows
  let trace = 0
  for (let i = 0; i < d; i++) trace += moments[i * d + i]
  for (let i = 0; i < d * d; i++) moments[i] *= 1 - plain
  for (let i = 0; i < d; i++) moments[i * d + i] += (plain * trace) / d
  const lower = new Float64Array(d * d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      let sum = moments[i * d + j]
      for (let k = 0; k < j; k++) sum -= lower[i * d + k] * lower[j * d + k]
      lower[i * d + j] = i === j ? Math.sqrt(sum) : sum / lower[j * d + j]
    }
  return lower
}

/** Rows times C: their plain distances are those of the metric. */
function times({ rows, cols: d, data }: Matrix, lower: Float64Array): Matrix {
  const out = new Float32Array(rows * d)
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < d; j++) {
      let sum = 0
      for (let i = j; i < d; i++) sum += data[r * d + i] * lower[i * d + j]
      out[r * d + j] = sum
    }
  return { rows, cols: d, data: out }
}

/** Rows x with x = y·C⁻¹ (`back`), or queries y·C⁻ᵀ, which have the same products with keys times C. */
function solved({ rows, cols: d, data }: Matrix, lower: Float64Array, back: boolean): Matrix {
  const out = new Float32Array(rows * d)
  for (let r = 0; r < rows; r++) {
    const own = out.subarray(r * d, (r + 1) * d)
    for (let k = 0; k < d; k++) {
      const j = back ? d - 1 - k : k
      let sum = data[r * d + j]
      for (let i = back ? j + 1 : 0; i < (back ? d : j); i++)
        sum -= own[i] * (back ? lower[i * d + j] : lower[j * d + i])
      own[j] = sum / lower[j * d + j]
    }
  }
  return { rows, cols: d, data: out }
}

/** Places of the `count` rows that lie farthest from the mean, and of all others, each in stream order. */
function farthest({ rows, cols, data }: Matrix, count: number): readonly [far: number[], others: number[]] {
  const centre = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) centre[i % cols] += data[i] / rows
  const apart = Float64Array.from({ length: rows }, (_, r) => {
    let sum = 0
    for (let c = 0; c < cols; c++) sum += (data[r * cols + c] - centre[c]) ** 2
    return sum
  })
  const places = Array.from(apart.keys())
  const far = new Set(places.toSorted((a, b) => apart[b] - apart[a]).slice(0, count))
  return [places.filter((place) => far.has(place)), places.filter((place) => !far.has(place))]
}

const picked = ({ keys, values }: KvBlock, rows: readonly number[]): KvBlock => ({
  keys: pickedRows(keys, rows),
  values: pickedRows(values, rows),
})

/** The numbers of tokens that the tiers of a stack hold; undefined where it does not fit. */
function countsOf(stack: Stack, shape: Shape, budgetBytes: number): readonly number[] | undefined {
  try {
    using stream = autoStream({ ...shape, budgetBytes, tokens: Infinity, stack })
    return stream.parts.slice(0, stack.kept.length).map((part) => (part as unknown as { readonly count: number }).count)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Answers of a stack whose distances are those of `lower`; with `coded` the codes are, too. */
function answered(
  block: KvBlock,
  questions: Matrix,
  shape: Shape,
  stack: Stack,
  counts: readonly number[],
  lower: Float64Array | undefined,
  coded: boolean,
): Matrix {
  const seen = lower ? times(block.keys, lower) : block.keys
  const [own, asked] = lower && coded
    ? [{ ...block, keys: seen }, solved(questions, lower, false)] as const
    : [block, questions] as const // prettier-ignore
  const store = { keyBits: 6, valueBits: 4 }
  const all = Array.from({ length: seen.rows }, (_, i) => i)
  const isFar = stack.kept[0].by === 'farKeys'
  const [far, others] = isFar ? farthest(seen, counts[0]) : [[], all]
  const parts = []
  if (far.length > 0) {
    using held = quantisedStream(store)(shape)
    held.push(picked(own, far))
    parts.push(held.attend(asked))
  }
  if (stack.rest === 'closure') {
    using rest = closureStream(shape)
    rest.push(picked(own, others))
    parts.push(rest.attend(asked))
  } else {
    using merged = clusters({ count: counts.at(-1)! })(shape)
    merged.push(picked({ ...block, keys: seen }, others))
    const rest = [merged.read(), merged.waits()].flatMap((one) => one ?? [])
    using held = quantisedStream(store)(shape)
    for (const one of rest) held.push({ ...one, keys: lower && !coded ? solved(one.keys, lower, true) : one.keys })
    parts.push(held.attend(asked))
  }
  const [first, second] = parts
  if (second) addPartial(first, second)
  return normalise(first)
}

/** Heads of a group with their questions and exact answers. */
function preparedOf({ asked, heads }: (typeof GROUPS)[number]) {
  return heads().map((head) => {
    const [d, dv, prefix] = [head.keys.cols, head.values.cols, head.keys.rows - asked]
    const block = { keys: rowsOf(head.keys, 0, prefix), values: rowsOf(head.values, 0, prefix) }
    const questions = rowsOf(head.queries, prefix, head.keys.rows)
    const shape: Shape = { d, dv, scale: 1 / Math.sqrt(d) }
    const exact = exactAttention({ queries: questions, ...block, scale: shape.scale })
    const queries = {
      pilot: rowsOf(head.queries, 0, PILOT),
      prefix: rowsOf(head.queries, 0, prefix),
      asked: questions,
    }
    return { name: head.name, block, questions, shape, exact, queries }
  })
}

/** Stacks as `autoStream` builds them, in one pass over the prefix. */
function built(): Built[] {
  return GROUPS.flatMap((group) => {
    const prepared = preparedOf(group)
    return SHARES.flatMap((share) =>
      Object.entries(STACKS).flatMap(([name, plain]) =>
        (['plain', 'pilot', 'prefix'] as const).map((from): Built => {
          const errors = prepared.map(({ block, questions, shape, exact, queries }) => {
            const budgetBytes = Math.floor((4 * (shape.d + shape.dv) * block.keys.rows) / share)
            const stack = from === 'plain' ? plain : { ...plain, metric: metricOf({ queries: queries[from], plain: PLAIN[1] }) } // prettier-ignore
            if (!countsOf(stack, shape, budgetBytes)) return null
            using stream = autoStream({ ...shape, budgetBytes, tokens: block.keys.rows, stack })
            stream.push(block)
            return relativeError(normalise(stream.attend(questions)), exact)
          })
          console.error(
            group.name,
            share,
            name,
            from,
            errors.includes(null) ? '-' : mean(errors as number[]).toFixed(4),
          )
          return { group: group.name, share, stack: name, from, errors }
        }),
      ),
    )
  })
}

function measured(): Metric {
  const rows: Row[] = []
  const names: Record<string, readonly string[]> = {}
  for (const one of GROUPS) {
    const { name: group } = one
    const prepared = preparedOf(one)
    names[group] = prepared.map(({ name }) => name)
    for (const share of SHARES)
      for (const [name, stack] of Object.entries(STACKS)) {
        const add = (from: From, plain: number, coded: boolean) => {
          const errors = prepared.map(({ block, questions, shape, exact, queries }) => {
            const bytes = Math.floor((4 * (shape.d + shape.dv) * block.keys.rows) / share)
            const counts = countsOf(stack, shape, bytes)
            const lower = from === 'plain' ? undefined : factorOf(queries[from], plain)
            return counts ? relativeError(answered(block, questions, shape, stack, counts, lower, coded), exact) : null
          })
          rows.push({ group, share, stack: name, from, plain, coded, errors })
          console.error(
            group,
            share,
            name,
            from,
            plain,
            coded,
            errors.includes(null) ? '-' : mean(errors as number[]).toFixed(4),
          )
        }
        add('plain', 1, false)
        for (const plain of PLAIN) for (const from of FROM.slice(1)) add(from, plain, false)
        add('prefix', PLAIN[1], true)
      }
  }
  return { heads: names, rows, built: built() }
}

/** The metrics of the table, by name. */
const LINES = [
  { name: 'plain', from: 'plain', plain: 1, coded: false },
  ...FROM.slice(1).flatMap((from) => PLAIN.map((plain) => ({ name: `${from}, ${plain} plain`, from, plain, coded: false }))), // prettier-ignore
  { name: `prefix, ${PLAIN[1]} plain, codes too`, from: 'prefix', plain: PLAIN[1], coded: true },
] as const

const meanOf = ({ errors }: Row) => (errors.includes(null) ? undefined : mean(errors as number[]))
const at = ({ rows }: Metric, group: string, share: number, stack: string, line: Pick<Row, 'from' | 'plain' | 'coded'>) =>
  rows.find((row) => row.group === group && row.share === share && row.stack === stack && row.from === line.from && row.plain === line.plain && row.coded === line.coded)! // prettier-ignore

/** Errors under a metric over those under the plain one, by place. */
function ratios(
  result: Metric,
  line: Pick<Row, 'from' | 'plain' | 'coded'>,
): { readonly place: string; readonly ratio: number }[] {
  return GROUPS.flatMap(({ name }) =>
    SHARES.flatMap((share) =>
      Object.keys(STACKS).flatMap((stack) => {
        const [own, plain] = [line, LINES[0]].map((one) => meanOf(at(result, name, share, stack, one)))
        return own !== undefined && plain !== undefined ? [{ place: `${name} 1/${share}`, ratio: own / plain }] : []
      }),
    ),
  )
}

const WINS = 0.97
const counted = (result: Metric, line: Pick<Row, 'from' | 'plain' | 'coded'>) => {
  const all = ratios(result, line)
  const less = all.filter(({ ratio }) => ratio <= WINS).length
  const more = all.filter(({ ratio }) => ratio >= 1 / WINS).length
  return { all: all.length, less, more }
}

/** Markdown: as built, and the least ratio to the plain metric in bold. */
function builtTable({ built }: Metric): string {
  const columns = GROUPS.flatMap(({ name }) => SHARES.map((share) => ({ name, share })))
  const errorOf = (stack: string, from: From, { name, share }: (typeof columns)[number]) => {
    const { errors } = built.find((row) => row.group === name && row.share === share && row.stack === stack && row.from === from)! // prettier-ignore
    return errors.includes(null) ? undefined : mean(errors as number[])
  }
  const froms = ['plain', 'pilot', 'prefix'] as const
  const lines = Object.keys(STACKS).flatMap((stack) =>
    froms.map((from) => {
      const cells = columns.map((column) => {
        const error = errorOf(stack, from, column)
        const best = Math.min(...froms.map((other) => errorOf(stack, other, column) ?? Infinity))
        return error === undefined ? '–' : error === best ? `**${figure(error)}**` : figure(error)
      })
      return `| ${stack} | ${from === 'plain' ? from : `${from}, ${PLAIN[1]} plain`} | ${cells.join(' | ')} |`
    }),
  )
  const changes = froms.slice(1).map((from) => {
    const ratios = Object.keys(STACKS).flatMap((stack) =>
      columns.flatMap((column) => {
        const [own, plain] = [from, froms[0]].map((one) => errorOf(stack, one, column))
        return own !== undefined && plain !== undefined ? [own / plain] : []
      }),
    )
    const [less, more] = [ratios.filter((ratio) => ratio <= WINS), ratios.filter((ratio) => ratio >= 1 / WINS)]
    return `that of the ${from} lowers the error by 3 % or more in ${less.length} of ${ratios.length} places and raises it in ${more.length}`
  })
  return [
    `| stack, as built | metric | ${columns.map(({ name, share }) => `${name}, 1/${share}`).join(' | ')} |`,
    `| --- | --- | ${columns.map(() => '---').join(' | ')} |`,
    ...lines,
    '',
    `Of the metrics as built, ${changes.join('; ')}.`,
  ].join('\n')
}

function table(result: Metric): string {
  const columns = GROUPS.flatMap(({ name }) => SHARES.map((share) => ({ name, share })))
  const lines = Object.keys(STACKS).flatMap((stack) => {
    const errors = LINES.map((line) => columns.map(({ name, share }) => meanOf(at(result, name, share, stack, line))))
    const known = LINES.map(({ from }) => from !== 'asked')
    const best = columns.map((_, c) => Math.min(...errors.flatMap((own, l) => (known[l] ? (own[c] ?? Infinity) : []))))
    return LINES.map(({ name }, l) => {
      const cells = errors[l].map((error, c) =>
        error === undefined ? '–' : known[l] && error === best[c] ? `**${figure(error)}**` : figure(error),
      )
      return `| ${stack} | ${name} | ${cells.join(' | ')} |`
    })
  })
  return [
    `| stack | metric | ${columns.map(({ name, share }) => `${name}, 1/${share}`).join(' | ')} |`,
    `| --- | --- | ${columns.map(() => '---').join(' | ')} |`,
    ...lines,
  ].join('\n')
}

const figure = (error: number) => error.toPrecision(3).replace(/^0\./, '.')

export const queryMetric: Experiment<Metric> = {
  name: 'query-metric',
  question: 'Do far keys and clusters become better when distances are measured as the queries see them?',
  inALine(result) {
    const of = (group: string) => {
      const all = ratios(result, LINES[2]).filter(({ place }) => place.startsWith(group))
      return `${group} ${mean(all.map(({ ratio }) => ratio)).toFixed(2)}`
    }
    return `errors by the metric of a pilot's queries over those by plain distances, mean over stacks and shares: ${GROUPS.map(({ name }) => of(name)).join('; ')}`
  },
  asks:
    'Do far keys and clusters become better when distances are measured as the queries see them, √((k − μ)ᵀ M (k − μ)) with M the mean of q·qᵀ? The whole prefix is in view; far keys, clusters ' +
    `(made as the stream goes) and the closure have the counts that \`autoStream\` has room for, in 6 and 4 bits. M comes from the first ${PILOT} queries (*pilot*), from all queries of the prefix, or from the ` +
    'later queries themselves, which no stream knows (*asked*). A share of the plain metric of the same trace is mixed in. *Codes too* means that the keys are also rounded in the metric: the stream then needs no other ' +
    'change than keys times C and queries times C⁻ᵀ, with M = C·Cᵀ. The bytes of M are not counted in the first table. *As built* is `metric` of a stack in `autoStream`, in one pass, codes too, with M in d·(d + 1)/2 bytes that ' +
    'are part of the budget; `plan` tries stacks with it and without where all queries to come are like the pilot’s. The error is ‖ô − o‖_F/‖o‖_F, mean over the heads.',
  file: () => 'result.json',
  run: (args, { before }) => (args.length > 0 && before ? { ...before, built: built() } : measured()),
  answer(result) {
    const lines = LINES.slice(1).map((line) => {
      const { all, less, more } = counted(result, line)
      return `| ${line.name} | ${less} of ${all} | ${more} of ${all} |`
    })
    return [
      table(result),
      '',
      'The best metric that a stream can know is bold. How often it lowers or raises the error of a stack by 3 % or more:',
      '',
      '| metric | lower | higher |',
      '| --- | --- | --- |',
      ...lines,
      '',
      builtTable(result),
      '',
      `${Object.entries(result.heads).map(([group, names]) => `${group}: heads ${names.join(', ')}`).join('; ')}.`,
    ].join('\n') // prettier-ignore
  },
  picture: (result) =>
    plot(
      'Relative error of far keys + clusters by where the metric comes from',
      GROUPS.map(({ name }) => ({
        title: `${name} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: Math.max(...LINES.map((line) => meanOf(at(result, name, SHARES[2], 'far keys + clusters', line)) ?? 0)) }, // prettier-ignore
        lines: [LINES[0], LINES[2], LINES[4], LINES[6]].map((line) => ({
          name: line.from,
          dashed: line.from === 'asked',
          points: SHARES.map((share) => [share, meanOf(at(result, name, share, 'far keys + clusters', line)) ?? 0] as const), // prettier-ignore
        })),
      })),
    ),
}

await main(import.meta.url, queryMetric)
