/**
 * `node evidence/regimes/ask.ts`: errors of the streams on all heads of both models, by the regime that `sublinear inspect`
 * puts a head in. 3584 tokens of a held-out text, the next 512 queries. Writes the figures that `inspect` predicts from, too.
 */
import { writeFileSync } from 'node:fs'
import { regimeOf, type Regime, type RegimeFigures } from '../../apps/cli/src/regime.ts'
import { modelBoard } from '../board/ask.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { methodsNamed } from '../kit/methods-named.ts'
import { plot } from '../kit/plot.ts'
import { centredScoresOf, sampledRows, structureOf } from '../sparsity-structure/ask.ts'
import { capturedHeads, MODELS } from '../kit/text-captures.ts'

const TOKENS = 4096
const BUDGETS = ['1/4', '1/8', '1/16', '1/32']
const REGIMES: readonly Regime[] = ['bounded and diffuse', 'diffuse with far keys', 'sharp']

/** Methods that stand beside each other. */
export const METHODS = methodsNamed(
  'auto',
  'farClosure',
  'clusters',
  'balanceKv',
  'reservoir',
  'snapKv',
  'streamingLlm',
)
const NAMES = METHODS.map(({ name }) => name)

export interface RegimeHead {
  readonly model: string
  readonly head: string
  readonly regime: Regime
  readonly effectiveKeys: number
  /** Largest score less the mean key's, in magnitude. */
  readonly reach: number
  /** Relative errors by budget, then by stream; null where it does not fit. */
  readonly errors: readonly (readonly (number | null)[])[]
}

export const regimes: Experiment<readonly RegimeHead[]> = {
  name: 'regimes',
  question: 'Which stream suits which kind of head?',
  inALine: (heads) =>
    regimes
      .answer(heads)
      .split('\n')
      .filter((line) => line.startsWith('*'))
      .map((line) => line.replace(/\.$/, ''))
      .join('; '),
  asks:
    'Which stream suits which kind of head? All heads of both models read 4096 tokens of Romans, and are sorted as `sublinear inspect` sorts them: *sharp* if a row ' +
    'spreads over fewer than 64 keys, else *bounded and diffuse* if scores stay within 10 of the mean key’s, else *diffuse with far keys*. ' +
    'Streams take 3584 tokens and answer the next 512 queries, without advice. The error is ‖ô − o‖_F/‖o‖_F, the median over the heads of a kind.',
  run: measured,
  answer: (heads) =>
    [
      ...REGIMES.map((regime) => {
        const { heads: count, errors } = figuresOf(heads, regime)
        const best = (budget: string) => Object.entries(errors[budget]).toSorted(([, a], [, b]) => a - b)[0]
        return `*${regime}* (${count} heads): ${best('1/8')[0]} is best at 1/8 of the bytes (error ${best('1/8')[1].toFixed(3)}), ${best('1/16')[0]} at 1/16 (${best('1/16')[1].toFixed(3)}).`
      }),
      '',
      `| held | ${REGIMES.flatMap((regime) => BUDGETS.map((budget) => `${regime}, ${budget}`)).join(' | ')} |`,
      `| --- | ${REGIMES.flatMap(() => BUDGETS.map(() => '---')).join(' | ')} |`,
      ...NAMES.map(
        (stream) =>
          `| ${stream} | ${REGIMES.flatMap((regime) => BUDGETS.map((budget) => figuresOf(heads, regime).errors[budget][stream]?.toFixed(3) ?? '–')).join(' | ')} |`,
      ),
    ].join('\n'),
  picture: (heads) =>
    plot(
      'Relative error by kind of head',
      REGIMES.map((regime, at) => ({
        title: `${regime}, ${figuresOf(heads, regime).heads} heads`,
        x: { label: 'bytes held, of the float32 cache: 1 over', ticks: BUDGETS.map(sizeOf) },
        y: { label: at === 0 ? 'relative error, median' : '', most: 1.2 },
        lines: NAMES.map((stream) => ({
          name: stream,
          points: BUDGETS.flatMap((budget) => {
            const error = figuresOf(heads, regime).errors[budget][stream]
            return error === undefined ? [] : [[sizeOf(budget), error] as const]
          }),
        })),
      })),
    ),
}

const sizeOf = (budget: string) => Number(budget.split('/')[1])

/** Medians over the heads of a regime; a stream that does not fit some head has none. */
export function figuresOf(heads: readonly RegimeHead[], regime: Regime): RegimeFigures {
  const own = heads.filter((head) => head.regime === regime)
  const errors = BUDGETS.map((budget, b) => {
    const found = NAMES.flatMap((stream, s) => {
      const all = own.map((head) => head.errors[b][s]!)
      return all.includes(null as never) ? [] : [[stream, Number(median(all as number[]).toPrecision(3))] as const]
    })
    return [budget, Object.fromEntries(found)] as const
  })
  return { heads: own.length, errors: Object.fromEntries(errors) }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Figures that `inspect` predicts from. */
export const figures = (heads: readonly RegimeHead[]) =>
  Object.fromEntries(REGIMES.map((regime) => [regime, figuresOf(heads, regime)]))

async function measured(): Promise<RegimeHead[]> {
  const found: RegimeHead[] = []
  for (const model of MODELS) {
    const heads = capturedHeads({ model, text: 'romans', tokens: TOKENS })
    const { rows } = await modelBoard(model, heads, METHODS, BUDGETS)
    for (const [h, head] of heads.entries()) {
      const { effectiveKeys } = structureOf(head)
      const centredScores = centredScoresOf(head, sampledRows(TOKENS))
      found.push({
        model,
        head: head.name,
        regime: regimeOf({ effectiveKeys, centredScores }),
        effectiveKeys,
        reach: Math.max(-centredScores[0], centredScores[1]),
        errors: BUDGETS.map((budget) =>
          NAMES.map((stream) => rows.find((row) => row.stream === stream && row.budget === budget)!.errors[h]!),
        ),
      })
    }
  }
  writeFileSync(
    new URL('../../apps/cli/src/regime-figures.json', import.meta.url),
    `${JSON.stringify(figures(found), null, 1)}\n`,
  )
  return found
}

await main(import.meta.url, regimes)
