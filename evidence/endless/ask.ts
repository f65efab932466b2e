import { endless, exactStream } from '@sublinear/attention'
import { reader, unrotated, type HeadSpec, type LanguageModel, type Reader } from '@sublinear/small-lm'
import { main, type Experiment } from '../kit/experiment.ts'
import { SHORT_WINDOW } from '../kit/short-window.ts'
import { plot } from '../kit/plot.ts'
import { loadModel, MODELS, textIds } from '../kit/text-captures.ts'

/** Tokens read in one go before some are scored. */
const POINTS = [2048, 8192, 32_768, 98_304]
const SCORED = 512
/** A reader that begins so many tokens before them, within what the model was trained on. */
const FRESH = 1536
const WORDS = ['falcon', 'lantern', 'cypress', 'velvet', 'harbor', 'copper']
/** Tokens of a text, and how far from its end the needle stands. */
const NEEDLES = [
  [3000, 1500],
  [12_000, 1500],
  [12_000, 10_000],
] as const

interface Row {
  readonly model: (typeof MODELS)[number]
  readonly stream: 'fresh' | 'exact' | 'endless'
  /** Bits per byte after each of POINTS tokens; none for exact. */
  readonly bits: readonly number[]
  /** Right answers, of as many as there are words; none for fresh. */
  readonly right: readonly number[]
  /** Bytes of a head, at the end. */
  readonly bytes: number
}

const own = unrotated(endless(SHORT_WINDOW))

/** Bits per byte of the SCORED tokens from `at` on, of which the first has been read. */
function bitsFrom(run: Reader, { tokenizer }: LanguageModel, ids: ArrayLike<number>, at: number): number {
  const asked = Array.from({ length: SCORED }, (_, i) => ids[at - 1 + i])
  const { data, cols } = run.read(asked, 'all')
  let nats = 0
  for (let i = 0; i < SCORED; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols)
    const top = row.reduce((a, b) => Math.max(a, b))
    nats += top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[ids[at + i]]
  }
  const bytes = tokenizer.bytesOf(Array.from({ length: SCORED }, (_, i) => ids[at + i])).length
  return nats / Math.LN2 / bytes
}

function answersRight(
  model: LanguageModel,
  stream: HeadSpec,
  ids: Uint16Array,
  length: number,
  distance: number,
): number {
  const { bos, encode } = model.tokenizer
  let right = 0
  for (const [w, word] of WORDS.entries()) {
    const value = String(1000 + ((w * 7919 + 4729) % 9000))
    const text = [...ids.subarray(3000 * w, 3000 * w + length)]
    text.splice(length - distance, 0, ...encode(` (remember ${word} ${value})`))
    using run = reader({ model, stream })
    let row = run.read([bos, ...text, ...encode(` (recall ${word}`)], 'last').data
    const wanted = [...encode(` ${value}`)]
    const isRight = wanted.every((id) => {
      if (row.indexOf(Math.max(...row)) !== id) return false
      row = run.read([id], 'last').data
      return true
    })
    right += Number(isRight)
  }
  return right
}

function rowsOf(name: Row['model']): Row[] {
  const model = loadModel(name)
  const ids = textIds(model, 'persuasion')
  const { bos } = model.tokenizer
  const { layers, heads } = model.config
  const fresh = POINTS.map((n) => {
    using run = reader({ model, stream: exactStream })
    run.read([bos, ...ids.subarray(n - FRESH, n - 1)], 'none')
    return bitsFrom(run, model, ids, n)
  })
  using run = reader({ model, stream: own })
  run.read([bos], 'none')
  let at = 0
  const bits = POINTS.map((n) => {
    run.read(ids.subarray(at, n - 1), 'none')
    at = n - 1 + SCORED
    return bitsFrom(run, model, ids, n)
  })
  const right = (spec: HeadSpec) =>
    NEEDLES.map(([length, distance]) => answersRight(model, spec, ids, length, distance))
  return [
    { model: name, stream: 'fresh', bits: fresh, right: [], bytes: 0 },
    { model: name, stream: 'endless', bits, right: right(own), bytes: run.bytes / layers / heads },
    { model: name, stream: 'exact', bits: [], right: right(exactStream), bytes: 0 },
  ]
}

export const endlessReading: Experiment<readonly Row[]> = {
  name: 'endless',
  question: 'Can a model read on beyond the length on which it was trained?',
  inALine: (rows) =>
    rows
      .filter(({ stream }) => stream === 'endless')
      .map(({ model, bits, bytes }) => {
        const fresh = rows.find((row) => row.model === model && row.stream === 'fresh')!
        const more = Math.max(...bits.map((x, i) => x - fresh.bits[i]))
        return `${model}: yes, in ${(bytes / 1000).toFixed(0)} kB a head, at most ${more.toFixed(3)} bits per byte above a fresh reader`
      })
      .join('; '),
  asks: 'Can a model read on beyond the length on which it was trained, in memory that does not grow?',
  run: () => MODELS.flatMap(rowsOf),
  answer(rows) {
    const table = rows.map(({ model, stream, bits, right, bytes }) => {
      const cells = [...POINTS.map((_, i) => bits[i]?.toFixed(3) ?? '–'), ...NEEDLES.map((_, i) => (right[i] === undefined ? '–' : `${right[i]} of ${WORDS.length}`))] // prettier-ignore
      return `| ${model} | ${TITLES[stream]} | ${cells.join(' | ')} | ${bytes ? `${Math.round(bytes / 1000)} kB` : '–'} |`
    })
    const heads = [...POINTS.map((n) => `after ${n}`), ...NEEDLES.map(([length, back]) => `${back} back in ${length}`)]
    return [
      `Both models were trained on texts of 4096 tokens. The table shows bits per byte of ${SCORED} tokens of *Persuasion*, after that many tokens were read in one go. It also shows how many needles of ${WORDS.length} in a cell were answered, and the bytes for each head.`,
      '',
      `| model | heads remember with | ${heads.join(' | ')} | bytes |`,
      `| --- | --- | ${heads.map(() => '---').join(' | ')} | --- |`,
      ...table,
    ].join('\n')
  },
  picture: (rows) =>
    plot('bits per byte after so many tokens read in one go', [
      {
        title: '',
        x: { label: 'tokens read', log: true, ticks: POINTS },
        y: { label: 'bits per byte' },
        lines: rows
          .filter(({ bits }) => bits.length > 0)
          .map(({ model, stream, bits }) => ({
            name: `${model}: ${stream === 'fresh' ? 'begun anew' : stream}`,
            points: bits.map((y, i) => [POINTS[i], y] as const),
            dashed: stream === 'fresh',
          })),
      },
    ]),
}

const TITLES = {
  fresh: 'a reader that begins 1536 tokens before, exact',
  exact: 'everything, exact',
  endless: 'endless',
}

await main(import.meta.url, endlessReading)
