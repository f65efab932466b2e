/**
 * `node evidence/sensitivity/ask.ts [name q.npy k.npy v.npy …]`: Algorithm 1 over ε₁ and k (of Φ) and m₂ = 1/ε₂² (of Ψ), where
 * the theorem says something (64 active queries among 2^16, V centred) and on captured heads. A minute.
 */
import { recoveryRows } from '@sublinear/attention'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { headsOf } from '../every-head/ask.ts'
import { plot } from '../kit/plot.ts'
import { activeQueries, CELLS, type Cell, type Sensitivity } from './active.ts'
import { HEAD_CELLS, onHead, type HeadSensitivity } from './real-head.ts'

export interface Sensitivities {
  readonly active: readonly Sensitivity[]
  readonly heads: readonly HeadSensitivity[]
}

export const sensitivity: Experiment<Sensitivities> = {
  name: 'sensitivity',
  question: 'How do ε₁, k and m₂ change the error of Algorithm 1?',
  inALine: (result) => firstSentence(sensitivity.answer(result)),
  asks:
    'How do ε₁, k and m₂ change the error of Algorithm 1? The first setting suits it: 64 active queries of 2¹⁶, d = dv = 4, t = 70, and V centred, so that outputs are 64-sparse. ' +
    "The second has the sample's heads: n = 4096, d = dv = 32, 64 anisotropic features, every query sees all tokens, and the mean of V is subtracted. Errors are relative Frobenius errors; answering 0 has error 1.",
  run: (args) => ({
    active: args.length > 0 ? [] : activeQueries(CELLS),
    heads: headsOf(args).flatMap((head) => onHead(head)),
  }),
  answer({ active, heads }) {
    return [
      'With 64 active queries m₂ decides the error; a k below 64 misses the other entries, and a k above 64 and a smaller ε₁ bring nothing.',
      '',
      '| ε₁ | k | m₂ | bytes | columns |',
      '| --- | --- | --- | --- | --- |',
      ...active.map(
        ({ epsilon1, k, m2, bytes, error }) =>
          `| ${epsilon1} | ${k} | ${m2} | ${megabytes(bytes)} | ${error.toFixed(3)} |`,
      ),
      '',
      ...verdict(heads),
      '',
      headTable(heads),
    ].join('\n')
  },
  all: ({ heads }) => `All ${new Set(heads.map(({ head }) => head)).size} captured heads:\n\n${headTable(heads)}`,
  picture({ active, heads }) {
    const points = (belongs: (one: Sensitivity) => boolean) =>
      active
        .filter(belongs)
        .toSorted((a, b) => a.bytes - b.bytes)
        .map(({ bytes, error }) => [bytes / 1e6, error] as const)
    const byM2 = (model: string, key: 'columns' | 'rows' | 'exactState') =>
      HEAD_CELLS.slice(0, 5).map(([, , m2]) => {
        const own = heads.filter((one) => one.head.startsWith(model) && one.k === 4 && one.m2 === m2)
        return [m2, mean(own.map((one) => one[key]))] as const
      })
    return plot('Relative error of Algorithm 1', [
      {
        title: '64 active queries of 2^16',
        x: { label: 'MB', log: true },
        y: { label: 'relative error', log: true },
        lines: [
          { name: 'm₂ = 64 … 16384', points: points(({ k, epsilon1 }) => k === 64 && epsilon1 === 0.5) },
          { name: 'k = 8 … 128', points: points(({ m2, epsilon1 }) => m2 === 1024 && epsilon1 === 0.5) },
          { name: 'ε₁ = 0.25 … 1', points: points(({ m2, k }) => m2 === 1024 && k === 64) },
        ],
      },
      ...['bounded', 'sharp'].map((model) => ({
        title: `${model} heads`,
        x: { label: 'm₂', log: true },
        y: { label: '', log: true, most: 100 },
        lines: [
          { name: 'columns, k = 4', points: byM2(model, 'columns') },
          { name: 'row answers', points: byM2(model, 'rows') },
          { name: 'row answers, U₂ᵀV itself', dashed: true, points: byM2(model, 'exactState') },
        ],
      })),
    ])
  },
}

function verdict(heads: readonly HeadSensitivity[]): string[] {
  const sparse = heads.filter(({ identity }) => !identity)
  const better = sparse.filter(({ columns }) => columns < 1).length
  const columns = sparse.map((one) => one.columns)
  return [
    `On real heads no setting makes the columns worth having: ${better} of ${sparse.length} runs with a Φ are nearer than answering 0, the best of them ` +
      `${Math.min(...columns).toFixed(3)}, since the ${Math.max(...sparse.map(({ k }) => k))} largest of 4096 entries leave ` +
      `${Math.min(...sparse.map(({ least }) => least)).toFixed(2)} of the norm at best. From k = ${leastIdentity()} on Φ would have n/4 rows and is the identity. ` +
      'Row answers fall with m₂ towards those of the exact U₂ᵀV and U₂ᵀ1, 64·(32 + 2) numbers.',
  ]
}

/** The least k whose Φ, at ε₁ = 0.5, would have a quarter of 4096 rows. */
function leastIdentity(): number {
  let k = 1
  while (recoveryRows({ n: 4096, k, epsilon: 0.5 }) < 4096) k++
  return k
}

function headTable(heads: readonly HeadSensitivity[]): string {
  const models = [...new Set(heads.map(({ head }) => head.split(' ')[0]))]
  const cellOf = ([epsilon1, k, m2]: Cell): string[] => {
    const all = heads.filter((one) => one.epsilon1 === epsilon1 && one.k === k && one.m2 === m2)
    if (all.length === 0) return [] // a cell that these captures have not been run on
    const cells = models.map((model) => {
      const own = all.filter(({ head }) => head.startsWith(`${model} `))
      const of = (key: 'columns' | 'least' | 'rows') => figure(mean(own.map((one) => one[key])))
      return `${of('columns')} (${of('least')}) | ${of('rows')}`
    })
    const { bytes, identity } = all[0]
    return [`| ${epsilon1} | ${k}${identity ? ', Φ = 1' : ''} | ${m2} | ${megabytes(bytes)} | ${cells.join(' | ')} |`]
  }
  const exact = models.map((model) => {
    const own = heads.filter(({ head }) => head.startsWith(`${model} `))
    return `– | ${figure(mean(own.map(({ exactState }) => exactState)))}`
  })
  return [
    `| ε₁ | k | m₂ | bytes | ${models.map((model) => `${model}: columns (least) | rows`).join(' | ')} |`,
    `| --- | --- | --- | --- | ${models.map(() => '--- | ---').join(' | ')} |`,
    ...HEAD_CELLS.flatMap(cellOf),
    `| U₂ᵀV itself | | | 0.01 MB | ${exact.join(' | ')} |`,
  ].join('\n')
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const figure = (x: number) => (x >= 100 ? x.toExponential(0) : x.toFixed(x < 10 ? 3 : 0))

await main(import.meta.url, sensitivity)
