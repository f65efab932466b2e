import { readFileSync } from 'node:fs'
import type { QuantisedRow } from './ask.ts'

export interface QuantisedHeads {
  readonly node: string
  readonly models: readonly {
    readonly name: string
    readonly heads: readonly string[]
    readonly rows: readonly QuantisedRow[]
  }[]
}

/** Markdown of full.json: a column a model. */
export function quantisedTable({ node, models }: QuantisedHeads = readResult()): string {
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
    `Mean over ${first.heads.length} heads of ‖ô − o‖_F/‖o‖_F on the last 512 queries, one pass over the tokens before them; share of the float32 cache. Node ${node}: \`node evidence/quantised-heads/ask.ts sharp q.npy k.npy v.npy bounded q.npy k.npy v.npy\`.`,
  ].join('\n')
}

function readResult(): QuantisedHeads {
  return JSON.parse(readFileSync(new URL('./full.json', import.meta.url), 'utf8'))
}
