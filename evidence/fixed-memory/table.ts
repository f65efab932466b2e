import { plot } from '../kit/plot.ts'
import type { FixedMemory, FixedMemoryRow } from './ask.ts'

/** The heads that the choices were tuned on: the committed sample, layers 0 and 2, heads 0 and 1. */
const TUNED = new Set(['0.0', '0.1', '2.0', '2.1'])

/** Markdown of a model's heads: a row a method, a column a length. */
export function table({ command, node, heads, mean, rows }: FixedMemory): string {
  const lengths = [...new Set(rows.map(({ n }) => n))]
  const methods = [...new Set(rows.map(({ method }) => method))]
  const longest = lengths.at(-1)!
  const unseen = heads.flatMap((head, i) => (TUNED.has(head) ? [] : [i]))
  const hasUnseen = heads.length > TUNED.size
  const at = (method: string, n: number) => rows.find((row) => row.method === method && row.n === n)!
  const head = [
    'held',
    'bytes',
    'share',
    ...lengths.map((n) => `n = ${n}`),
    ...(hasUnseen ? ['unseen heads'] : []),
    'uniform sample',
    'sinks + window',
  ]
  const lineOf = (method: string) => {
    const last = at(method, longest)
    return line([
      method,
      kilobytes(last),
      `1/${Math.round(last.cacheBytes / last.bytes)}`,
      ...lengths.map((n) => figure(at(method, n).errors)),
      ...(hasUnseen ? [figure(unseen.map((i) => last.errors[i]))] : []),
      figure(last.uniform),
      figure(last.recent),
    ])
  }
  const means = lengths.map((n) => figure(mean[n]))
  return [
    line(head),
    line(head.map(() => '---')),
    line([
      'mean of the values',
      '–',
      '–',
      ...means,
      ...(hasUnseen ? [figure(unseen.map((i) => mean[longest][i]))] : []),
      '–',
      '–',
    ]),
    ...methods.map(lineOf),
    '',
    `Errors are ‖ô − o‖_F/‖o‖_F on the 512 queries after n tokens, means over ${heads.length} heads; answering zero has error 1. The last columns show the share of the float32 cache${
      hasUnseen ? ', the heads that nothing was tuned on,' : ''
    } and references of the same bytes at n = ${longest}. Node ${node}: \`${command}\`.`,
  ].join('\n')
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const kilobytes = ({ bytes }: FixedMemoryRow) => `${(bytes / 1000).toFixed(1)} kB`
const figure = (errors: readonly number[]) => (errors.reduce((a, b) => a + b, 0) / errors.length).toFixed(3)

/** Error against n, a panel a model. */
export function fixedMemoryPicture(results: readonly FixedMemory[]): string {
  return plot(
    'Error as the stream grows and the memory does not',
    results.map(({ name, rows, mean }) => ({
      title: `${name.split('-')[0]} heads`,
      x: { label: 'n', log: true },
      y: { label: 'relative error', most: 1.5 },
      lines: [
        ...[...new Set(rows.map(({ method }) => method))].map((method) => ({
          name: method,
          points: rows.filter((row) => row.method === method).map(({ n, errors }) => [n, average(errors)] as const),
        })),
        {
          name: 'mean of the values',
          dashed: true,
          points: Object.entries(mean).map(([n, errors]) => [Number(n), average(errors)] as const),
        },
      ],
    })),
  )
}

const average = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length
