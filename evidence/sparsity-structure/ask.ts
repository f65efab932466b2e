/**
 * `node evidence/sparsity-structure/ask.ts`: where the attention of two language models lies, layer by layer and
 * head by head, on 4096 tokens of a held-out text. A minute; captures are made first where the cache lacks them.
 */
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { plot } from '../kit/plot.ts'
import { capturedHeads, MODELS } from '../kit/text-captures.ts'

const TOKENS = 4096
/** Rows looked at: every 16th from here on, where contexts are long. */
const [FROM, STEP] = [1024, 16]
const TOPS = [1, 4, 16, 64, 256, 1024]
const [SINKS, RECENT] = [4, 64]

export interface HeadStructure {
  readonly model: string
  /** layer.head */
  readonly head: string
  /** e^entropy of a row of the attention matrix, mean over rows. */
  readonly effectiveKeys: number
  /** Share of a row's mass in its largest 1, 4, 16 … entries, mean over rows. */
  readonly top: readonly number[]
  /** Share of the mass in the first 4 keys, and in the last 64. */
  readonly sinks: number
  readonly recent: number
  /** Share of the mass in the 64 largest entries that are neither. */
  readonly far: number
}

export const sparsityStructure: Experiment<readonly HeadStructure[]> = {
  name: 'sparsity-structure',
  question: 'Which keys get the attention in real models?',
  inALine: (heads) => firstSentence(sparsityStructure.answer(heads)),
  asks:
    'Which keys get the attention of a real model, layer by layer? All heads of both models read 4096 tokens of a held-out novel. For every 16th row from the ' +
    '1024th on, the table shows e^entropy of the row (effective keys), and the share of its mass in the first 4 keys, in the last 64, and in the 64 largest of all others.',
  run: () =>
    MODELS.flatMap((model) =>
      capturedHeads({ model, text: 'persuasion', tokens: TOKENS }).map((head) => ({ model, ...structureOf(head) })),
    ),
  answer(heads) {
    const of = (model: string, from: number) => heads.filter((one) => one.model === model && layerOf(one) >= from)
    const lowest = of('sharp', 0).filter((one) => layerOf(one) === 0)
    return [
      `Rows are sparse only where scores are unbounded: ${range(of('sharp', 1))} effective keys in layers 1 to 3 of the sharp model, ` +
        `${range(lowest)} in its layer 0, ${range(of('bounded', 0))} in the bounded one. ` +
        `Where rows are sparse, they attend to near keys: sinks and the last 64 keys have ${near(of('sharp', 1)).toFixed(2)} of the mass in layers 1 to 3 of the sharp ` +
        `model, ${near(lowest).toFixed(2)} in its layer 0, where needles are found, and ${near(of('bounded', 0)).toFixed(2)} in the bounded one.`,
      '',
      '| head | sharp: effective keys | sinks | last 64 | top 64 of the others | bounded: effective keys | sinks | last 64 | top 64 of the others |',
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...of('sharp', 0).map((one) => {
        const other = heads.find(({ model, head }) => model === 'bounded' && head === one.head)!
        return `| ${one.head} | ${cells(one)} | ${cells(other)} |`
      }),
    ].join('\n')
  },
  picture: (heads) =>
    plot(
      'Share of the attention in the k largest entries of a row',
      [0, 1, 2, 3].map((layer) => ({
        title: `layer ${layer}`,
        x: { label: 'k', log: true },
        y: { label: layer === 0 ? 'share of the mass' : '', most: 1 },
        lines: heads
          .filter((one) => layerOf(one) === layer)
          .map(({ model, head, top }) => ({
            name: `${model}, head ${head.split('.')[1]}`,
            dashed: model === 'bounded',
            colour: Number(head.split('.')[1]),
            points: TOPS.map((k, i) => [k, top[i]] as const),
          })),
      })),
    ),
}

/** Attention of the sampled rows of one head, causal, in float64. */
export function structureOf(
  { name, queries, keys }: Head,
  rows = sampledRows(keys.rows),
): Omit<HeadStructure, 'model'> {
  const { cols: d } = keys
  const sums = { effectiveKeys: 0, top: TOPS.map(() => 0), sinks: 0, recent: 0, far: 0 }
  for (const row of rows) {
    const shares = attentionRow(queries.data.subarray(row * d, (row + 1) * d), keys.data, row + 1)
    const entropy = shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0)
    sums.effectiveKeys += Math.exp(entropy)
    const largest = shares.toSorted().toReversed()
    for (const [i, k] of TOPS.entries()) sums.top[i] += total(largest.subarray(0, k))
    sums.sinks += total(shares.subarray(0, SINKS))
    sums.recent += total(shares.subarray(row + 1 - RECENT))
    sums.far += total(
      shares
        .slice(SINKS, row + 1 - RECENT)
        .toSorted()
        .subarray(-RECENT),
    )
  }
  const over = (sum: number) => sum / rows.length
  const { effectiveKeys, top, sinks, recent, far } = sums
  return {
    head: name,
    effectiveKeys: over(effectiveKeys),
    top: top.map(over),
    sinks: over(sinks),
    recent: over(recent),
    far: over(far),
  }
}

/** Smallest and largest score of the sampled rows, less that of the mean key. */
export function centredScoresOf({ queries, keys }: Head, rows: readonly number[]): [number, number] {
  const { rows: n, cols: d } = keys
  const mean = new Float64Array(d)
  for (let i = 0; i < n * d; i++) mean[i % d] += keys.data[i] / n
  let [low, high] = [Infinity, -Infinity]
  for (const row of rows) {
    const scores = scoresOf(queries.data.subarray(row * d, (row + 1) * d), keys.data, row + 1)
    const [shift] = scoresOf(queries.data.subarray(row * d, (row + 1) * d), mean, 1)
    low = Math.min(low, scores.reduce((a, b) => Math.min(a, b)) - shift)
    high = Math.max(high, scores.reduce((a, b) => Math.max(a, b)) - shift)
  }
  return [low, high]
}

export const sampledRows = (n: number) =>
  Array.from({ length: Math.ceil((n - FROM) / STEP) }, (_, i) => FROM + i * STEP)

/** The softmax of one query over the first n keys. */
function attentionRow(query: Float32Array, keys: Float32Array, n: number): Float64Array {
  const scores = scoresOf(query, keys, n)
  const most = scores.reduce((a, b) => Math.max(a, b))
  const masses = scores.map((score) => Math.exp(score - most))
  const all = total(masses)
  return masses.map((mass) => mass / all)
}

function scoresOf(query: Float32Array, keys: Float32Array | Float64Array, n: number): Float64Array {
  const d = query.length
  return Float64Array.from({ length: n }, (_, i) => {
    let dot = 0
    for (let c = 0; c < d; c++) dot += query[c] * keys[i * d + c]
    return dot / Math.sqrt(d)
  })
}

const total = (numbers: Float64Array) => numbers.reduce((a, b) => a + b, 0)
const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length
/** Text with the range of the effective keys of some heads. */
function range(heads: readonly HeadStructure[]): string {
  const keys = heads.map(({ effectiveKeys }) => effectiveKeys).toSorted((a, b) => a - b)
  return `${figure(keys[0])} to ${figure(keys.at(-1)!)}`
}

/** Mean share of the mass that sinks and a window have. */
const near = (heads: readonly HeadStructure[]) => mean(heads.map(({ sinks, recent }) => sinks + recent))

const layerOf = ({ head }: HeadStructure) => Number(head.split('.')[0])
const figure = (keys: number) => (keys < 100 ? keys.toFixed(1) : keys.toFixed(0))
const cells = ({ effectiveKeys, sinks, recent, far }: HeadStructure) =>
  [figure(effectiveKeys), ...[sinks, recent, far].map((share) => share.toFixed(2))].join(' | ')

await main(import.meta.url, sparsityStructure)
