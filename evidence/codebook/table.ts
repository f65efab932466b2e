import { plot } from '../kit/plot.ts'
import type { Law } from './levels.ts'
import type { Choice } from './steps.ts'

/** Gaussian vectors that are judged. */
export const JUDGED = 1000
/** First tokens whose mean is taken away: none, some, all. */
export const FIRST = [0, 64, 256, 1024, 3584]

export interface CodebookRow {
  readonly levels: Law | 'the store'
  readonly step: Choice | 'its own'
  readonly bits: number
  /** Squared error over the square: of Gaussian vectors by width, and of keys and values of the sample, mean over heads. */
  readonly gaussian: readonly number[]
  readonly heads: number
}

export interface Codebook {
  readonly node: string
  readonly rows: readonly CodebookRow[]
  /** Relative error of answers with keys in 5 and values in 3 bits, mean over the heads of a model, by first tokens. */
  readonly centres: readonly { readonly model: string; readonly errors: readonly number[]; readonly store: number }[]
}

/** Markdown: levels and steps, then centres. */
export function codebookTables({ node, rows, centres }: Codebook): string {
  const bits = [...new Set(rows.map((row) => row.bits))]
  const kinds = rows.filter((row) => row.bits === bits[0])
  const columns = (of: string) => bits.map((b) => `${of}, ${b} bits`)
  const of = (kind: CodebookRow, pick: (row: CodebookRow) => number) =>
    bits.map((b) =>
      percent(pick(rows.find((row) => row.levels === kind.levels && row.step === kind.step && row.bits === b)!)),
    )
  return [
    table(
      ['levels', 'step', ...columns('Gaussian, 32'), ...columns('Gaussian, 128'), ...columns('heads')],
      kinds.map((kind) => [
        kind.levels,
        kind.step,
        ...of(kind, ({ gaussian }) => gaussian[0]),
        ...of(kind, ({ gaussian }) => gaussian[1]),
        ...of(kind, ({ heads }) => heads),
      ]),
    ),
    '',
    `The numbers are squared errors over the square: of ${JUDGED} Gaussian vectors of 32 and of 128 entries, and of the keys and values of the sample, centred and turned ` +
      '(mean over keys and values of 8 heads). Each rule is tuned on other Gaussian vectors. Steps are exact, except those of the store, which are in bfloat16.',
    '',
    table(
      [
        'centre: the mean of',
        ...FIRST.map((first) => ({ 0: 'none', 3584: 'all' })[first] ?? `the first ${first}`),
        'the store',
      ],
      centres.map(({ model, errors, store }) => [model, ...[...errors, store].map((x) => x.toFixed(3))]),
    ),
    '',
    `The numbers are relative errors of the answers to the last 512 queries of the sample over 3584 tokens in 5/3 bits, means over 4 heads. Only with the store do the last 64 tokens wait, exactly. Node ${node}: \`node evidence/codebook/ask.ts\`.`,
  ].join('\n')
}

const table = (head: readonly string[], body: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...body].map(line).join('\n')
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const percent = (x: number) => `${(100 * x).toPrecision(3)} %`

/** Squared error on heads against bits, a line a rule. */
export function codebookPicture({ rows }: Codebook): string {
  const names = [...new Set(rows.map(nameOf))]
  return plot('Tokens in few bits: squared error over the square', [
    {
      title: 'keys and values of the sample',
      x: { label: 'bits' },
      y: { label: 'error', log: true },
      lines: names.map((name) => ({
        name,
        dashed: name.startsWith('the store'),
        points: rows.filter((row) => nameOf(row) === name).map(({ bits, heads }) => [bits, heads] as const),
      })),
    },
  ])
}

const nameOf = ({ levels, step }: CodebookRow) => `${levels}, ${step}`
