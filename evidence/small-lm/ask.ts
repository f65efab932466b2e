/**
 * `node evidence/small-lm/ask.ts`: both small language models with exact streams, beside what the training framework measured
 * with float32 weights. A run that stopped goes on; `--again` begins anew.
 */
import { exactStream } from '@sublinear/exact-attention'
import { bitsPerByte, needles } from '@sublinear/small-lm'
import { main, type Experiment } from '../kit/experiment.ts'
import { loadModel, MODELS, textIds, type TextCapture } from '../kit/text-captures.ts'

type Model = TextCapture['model']

export interface Cell {
  readonly model: Model
  /** Bits per byte of a text, or the share of answers that were wholly right. */
  readonly measure: 'persuasion' | 'romans' | 'one needle'
  readonly tokens: number
  readonly value: number
  /** Windows of the text, or questions. */
  readonly samples: number
}

export const LENGTHS = [1024, 2048, 4096]
export const DEPTHS = [0.02, 0.25, 0.5, 0.75, 0.95]
export const WINDOWS: Readonly<Record<number, number>> = { 1024: 20, 2048: 10, 4096: 4 }
const TRIALS = 12
const SEED = 2026

/** The training framework's figures, from the README of the training data: PyTorch, float32, exact attention. */
export const TRAINED: Readonly<Record<Model, Readonly<Record<Cell['measure'], readonly number[]>>>> = {
  sharp: { persuasion: [1.643, 1.584, 1.613], romans: [1.412, 1.409, 1.427], 'one needle': [1, 1, 1] },
  bounded: { persuasion: [1.614, 1.565, 1.601], romans: [1.386, 1.38, 1.426], 'one needle': [1, 1, 0.98] },
}
const MEASURES = ['persuasion', 'romans', 'one needle'] as const

export function measureCell(name: Model, measure: Cell['measure'], tokens: number, trials = TRIALS): Cell {
  const model = loadModel(name)
  if (measure !== 'one needle') {
    const windows = WINDOWS[tokens]
    const { bits, bytes } = bitsPerByte({ model, stream: exactStream, ids: textIds(model, measure), tokens, windows })
    return { model: name, measure, tokens, value: bits / bytes, samples: windows }
  }
  const cells = needles({
    model,
    streams: { exact: exactStream },
    haystack: textIds(model, 'persuasion'),
    lengths: [tokens],
    depths: DEPTHS,
    trials,
    seed: SEED,
    asked: 'alone',
    distractors: 0,
  })
  const samples = trials * DEPTHS.length
  const right = [...cells].reduce((sum, { right }) => sum + right, 0)
  return { model: name, measure, tokens, value: right / samples, samples }
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

export function table(cells: readonly Cell[]): string {
  const head = ['model', 'measure', ...LENGTHS.flatMap((n) => [`${n} tokens`, 'in training'])]
  return [
    line(head),
    line(head.map(() => '---')),
    ...MODELS.flatMap((model) =>
      MEASURES.map((measure) => {
        const values = LENGTHS.flatMap((tokens, i) => {
          const own = cells.find((one) => one.model === model && one.measure === measure && one.tokens === tokens)!
          return [own.value, TRAINED[model][measure][i]].map((x) => x.toFixed(measure === 'one needle' ? 2 : 3))
        })
        return line([model, measure === 'one needle' ? 'one needle, recall' : `${measure}, bits per byte`, ...values])
      }),
    ),
    '',
    `Here the streams are exact and weights float16; the training used PyTorch and float32. Bits are those of the second halves of ${Object.values(WINDOWS).join(', ')} windows, the same as in training. Recall is that of ` +
      `${TRIALS * DEPTHS.length} questions at ${DEPTHS.length} depths, on other texts than in training. \`node evidence/small-lm/ask.ts\`.`,
  ].join('\n')
}

export const smallLm: Experiment<readonly Cell[]> = {
  name: 'small-lm',
  question: 'Do the language models here give the same results as in training?',
  inALine(cells) {
    const off = cells.map(({ model, measure, tokens, value }) =>
      Math.abs(value - TRAINED[model][measure][LENGTHS.indexOf(tokens)]),
    )
    const most = (isRecall: boolean) =>
      Math.max(...off.filter((_, i) => (cells[i].measure === 'one needle') === isRecall))
    return `yes, within ${most(false).toFixed(4)} bits per byte and ${most(true).toFixed(2)} of recall in ${cells.length} cells`
  },
  asks: 'Do both small language models with exact streams give the results that the training framework measured with float32 weights?',
  run([flag], { before, keep }) {
    const cells = flag === '--again' ? [] : [...(before ?? [])]
    for (const model of MODELS)
      for (const measure of MEASURES)
        for (const tokens of LENGTHS) {
          if (cells.some((one) => one.model === model && one.measure === measure && one.tokens === tokens)) continue
          const cell = measureCell(model, measure, tokens)
          cells.push(cell)
          keep(cells)
          console.error(`${model}, ${measure}, ${tokens}: ${cell.value.toFixed(4)}`)
        }
    return cells
  },
  file: () => 'result.json',
  answer: table,
}

await main(import.meta.url, smallLm)
