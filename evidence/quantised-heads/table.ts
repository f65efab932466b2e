import { mean } from '../kit/mean.ts'
import { plot } from '../kit/plot.ts'
import type { QuantisedRow } from './ask.ts'

export interface QuantisedHeads {
  readonly node: string
  readonly models: readonly {
    readonly name: string
    readonly heads: readonly string[]
    readonly rows: readonly QuantisedRow[]
  }[]
}

/** A column a model. */
export function quantisedTable({ node, models }: QuantisedHeads): string {
  const first = models[0]
  const rows = first.rows.map(({ method, bytes, cacheBytes, share }, i) => [
    method,
    `${(bytes / 1000).toFixed(1)} kB`,
    `1/${share ?? (cacheBytes / bytes).toFixed(1)}`,
    ...models.map(({ rows }) => (rows[i].errors.reduce((a, b) => a + b, 0) / rows[i].errors.length).toFixed(3)),
  ])
  const head = ['held', 'bytes', 'share', ...models.map(({ name }) => name)]
  return [
    ...[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
    '',
    `Errors are ‖ô − o‖_F/‖o‖_F on the last 512 queries, after one pass over the tokens before them, means over ${first.heads.length} heads; shares are of the float32 cache. Node ${node}.`,
  ].join('\n')
}

/** Error against bytes, a panel a model. */
export function quantisedPicture({ models }: QuantisedHeads): string {
  return plot(
    'Tokens in few bits: error against bytes',
    models.map(({ name, rows }) => ({
      title: `${name} heads`,
      x: { label: 'bytes', log: true },
      y: { label: 'relative error' },
      lines: [...new Set(rows.map(kindOf))].map((kind) => ({
        name: kind,
        points: rows.filter((row) => kindOf(row) === kind).map(({ bytes, errors }) => [bytes, mean(errors)] as const),
      })),
    })),
  )
}

const kindOf = ({ method }: QuantisedRow) => (method.startsWith('every token') ? 'every token' : method)
