import { plot } from '../kit/plot.ts'
import type { Cell } from './cells.ts'

export interface CellResult extends Cell {
  /** Method → error and share of query rows answered by a lower degree, means over the seeds. */
  readonly methods: Readonly<Record<string, { readonly error: number; readonly fallbacks: number }>>
}

export interface Result {
  readonly n: number
  readonly queries: number
  readonly seeds: readonly number[]
  readonly cells: readonly CellResult[]
  readonly heads: readonly HeadResult[]
}

/** A model's sample heads: method → mean error and share of rows that fell back, over its heads. */
export interface HeadResult {
  readonly model: string
  readonly methods: CellResult['methods']
}

/** The README's table: a row a method and kind of data, three spectra with three deviations each. */
export function tableOf({ cells, heads, n, queries, seeds }: Result): string {
  const names = Object.keys(cells[0].methods)
  const kinds = [...new Set(cells.map(({ data }) => data))]
  const decays = [...new Set(cells.map(({ decay }) => decay))]
  const rows = names.flatMap((name) =>
    kinds.map((data, i) => {
      const columns = decays.map((decay) =>
        cells
          .filter((cell) => cell.data === data && cell.decay === decay)
          .map(({ methods }) => figure(methods[name]))
          .join(' / '),
      )
      return `| ${[i === 0 ? name : '', data, ...columns].join(' | ')} |`
    }),
  )
  return [
    `| | data | ${decays.map((decay) => `spectrum i^−${decay}`).join(' | ')} |`,
    `| ${['---', '---', ...decays.map(() => '---')].join(' | ')} |`,
    ...rows,
    '',
    `d = 64, dv = 8, n = ${n}, and ${queries} queries; numbers are means over seeds ${seeds.join(', ')}, for scores with standard deviation 0.5 / 1 / 2. The error is ‖ô − o‖/‖o − v̄‖,`,
    'so 1 is no better than the mean value. A * means that over 1 % of the rows fell back: `node evidence/anisotropic/ask.ts`.',
    '',
    `| captured heads, d = dv = 32 | ${heads.map(({ model }) => model).join(' | ')} |`,
    `| ${['---', ...heads.map(() => '---')].join(' | ')} |`,
    ...names.map((name) => `| ${[name, ...heads.map(({ methods }) => figure(methods[name]))].join(' | ')} |`),
    '',
    'Numbers are means over four heads of `apps/cli/data`: queries 3584 to 4095 ask about the 3584 tokens before them, and the pilot is taken from those tokens and their queries.',
  ].join('\n')
}

function figure({ error, fallbacks }: { readonly error: number; readonly fallbacks: number }): string {
  return `${error < 0.1 ? error.toFixed(3) : error.toFixed(2)}${fallbacks > 0.01 ? '*' : ''}`
}

/** Error against the deviation of the scores, Gaussian keys, a panel a spectrum. */
export function pictureOf({ cells }: Result): string {
  const names = Object.keys(cells[0].methods)
  return plot(
    'Features in as little memory: error over that of the mean value',
    [...new Set(cells.map(({ decay }) => decay))].map((decay) => {
      const own = cells.filter((cell) => cell.data === 'Gaussian' && cell.decay === decay)
      return {
        title: `Gaussian keys, spectrum i^−${decay}`,
        x: { label: 'standard deviation of the scores' },
        y: { label: 'error', most: 2 },
        lines: names.map((name) => ({
          name,
          points: own.map(({ std, methods }) => [std, methods[name].error] as const),
        })),
      }
    }),
  )
}
