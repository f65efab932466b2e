/**
 * `node evidence/column-sparsity/ask.ts [name q.npy k.npy v.npy …]`: are the columns of softmax(scale·QKᵀ)V near k-sparse,
 * as the one-pass paper assumes? Every head of the committed sample, or of the captures given, beside independent Gaussian numbers. Seconds.
 */
import { exactAttention, type Matrix } from '@sublinear/attention'
import { sketchKernels } from '@sublinear/kernels'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { headsOf } from '../every-head/ask.ts'
import { plot } from '../kit/plot.ts'

/** k as a share of n. */
const SHARES = [1 / 64, 1 / 16, 1 / 4]
const NOISE = 'Gaussian columns'

export interface Sparsity {
  readonly head: string
  /** Mean over columns of tail_k(y)/‖y‖, k = n/64, n/16, n/4. */
  readonly tails: readonly number[]
  /** The same for columns less their mean, which are what Φ sees where V is centred. */
  readonly centred: readonly number[]
}

export const columnSparsity: Experiment<readonly Sparsity[]> = {
  name: 'column-sparsity',
  question: 'Are columns of the output k-sparse, as the one-pass paper assumes?',
  inALine: (rows) => firstSentence(columnSparsity.answer(rows)),
  asks:
    'Are the columns of the output k-sparse, as Lemma 3.7 and Theorem 4.1 assume? The numbers are tail_k(y)/‖y‖, where tail_k is the norm outside the k largest entries; they are means over the ' +
    'columns of a head. A k-sparse column has 0, and answering 0 has error 1. In brackets is the same for columns with their mean subtracted. n = 4096, and every query sees all tokens.',
  run: (args) => [
    ...headsOf(args).map(({ name, queries, keys, values }) => {
      const outputs = exactAttention({ queries, keys, values, scale: 1 / Math.sqrt(keys.cols) })
      return { head: name, tails: tailsOf(outputs, false), centred: tailsOf(outputs, true) }
    }),
    noise(),
  ],
  answer(rows) {
    const real = rows.filter(({ head }) => head !== NOISE)
    const first = (of: 'tails' | 'centred') => real.map((row) => row[of][0])
    return [
      `No: at k = n/64 the tail is ${figure(Math.min(...first('tails')))} to ${figure(Math.max(...first('tails')))} of the column, and with the mean subtracted ` +
        `${figure(Math.min(...first('centred')))} to ${figure(Math.max(...first('centred')))}; independent Gaussian numbers have ${figure(rows.at(-1)!.tails[0])}.`,
      '',
      '| head of the sample (its layer 1 is layer 2 of the model) | k = n/64 | k = n/16 | k = n/4 |',
      '| --- | --- | --- | --- |',
      ...rows.map((row) => `| ${row.head} | ${SHARES.map((_, i) => both(row, i)).join(' | ')} |`),
    ].join('\n')
  },
  all(full) {
    const real = full.filter(({ head }) => head !== NOISE)
    const layers = [...new Set(real.map(({ head }) => head.split('.')[0]))]
    const centred = real.map((row) => row.centred[0])
    const sparse = centred.filter((tail) => tail < 0.5).length
    return [
      `All ${real.length} captured heads at k = n/64 (with the mean subtracted ${figure(Math.min(...centred))} to ${figure(Math.max(...centred))}, below a half on ${sparse}):`,
      '',
      '| layer | head 0 | head 1 | head 2 | head 3 |',
      '| --- | --- | --- | --- | --- |',
      ...layers.map((layer) => {
        const own = real.filter(({ head }) => head.startsWith(`${layer}.`))
        return `| ${layer} | ${own.map((row) => both(row, 0)).join(' | ')} |`
      }),
    ].join('\n')
  },
  picture(rows) {
    const models = ['sharp', 'bounded']
    return plot(
      'Norm outside the k largest entries of output columns less their mean',
      models.map((model, at) => ({
        title: `${model} heads of the sample`,
        x: { label: 'k/n', log: true },
        y: { label: at === 0 ? 'share of the norm' : '' },
        lines: rows
          .filter(({ head }) => head === NOISE || head.startsWith(model))
          .map(({ head, centred }) => ({
            name: head.replace(`${model} `, 'head '),
            dashed: head === NOISE,
            points: centred.map((tail, i) => [SHARES[i], tail] as const),
          })),
      })),
    )
  },
}

export function tailsOf({ rows, cols, data }: Matrix, centre: boolean): number[] {
  const tails = SHARES.map(() => 0)
  for (let c = 0; c < cols; c++) {
    const column = Float64Array.from({ length: rows }, (_, r) => data[r * cols + c])
    const mean = centre ? column.reduce((a, b) => a + b, 0) / rows : 0
    const squares = column.map((x) => (x - mean) ** 2).toSorted()
    const whole = squares.reduce((a, b) => a + b, 0)
    for (const [i, share] of SHARES.entries()) {
      const tail = squares.subarray(0, rows - Math.round(share * rows)).reduce((a, b) => a + b, 0)
      tails[i] += Math.sqrt(tail / whole) / cols
    }
  }
  return tails
}

function noise(): Sparsity {
  const columns = { rows: 4096, cols: 32, data: new Float32Array(4096 * 32) }
  sketchKernels().normalColumns(columns.data, [1, 2], 0, 0, 4096, 32, 1)
  return { head: NOISE, tails: tailsOf(columns, false), centred: tailsOf(columns, true) }
}

const figure = (tail: number) => tail.toFixed(2)
const both = ({ tails, centred }: Sparsity, i: number) => `${figure(tails[i])} (${figure(centred[i])})`

await main(import.meta.url, columnSparsity)
