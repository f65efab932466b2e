import { plot } from '../kit/plot.ts'

/** Captures are rounded to float16, which moves answers by about this: smaller errors are no different. */
const FLOOR = 1e-3

export interface Advice {
  readonly set: string
  readonly head: string
  /** The inverse of the share of the float32 cache of the tokens taken in. */
  readonly share: number
  readonly method: string
  readonly options: object
  /** Measured on the pilot; and of the tokens since. */
  readonly promised: number
  readonly error: number
  /** The best single method, and all of them. */
  readonly best: string
  readonly single: Readonly<Record<string, number>>
  /** Seconds of processor time. */
  readonly seconds: number
  /** The pick of a search that drops no candidate: its error on the pilot, and on the tokens since; where it was made. */
  readonly exhaustive?: { readonly promised: number; readonly error: number; readonly seconds: number }
  readonly considered: number
}

const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one / all.length, 0)
/** One error over another, none below the floor. */
const over = (error: number, other: number) => Math.max(FLOOR, error) / Math.max(FLOOR, other)
const TITLES: Readonly<Record<string, string>> = { use: 'encoder', ocr: 'OCR' }
const MISS = 1.2

/** A pick against that of a search which drops nothing: mean errors on the pilot and on the tokens since, and the worst head there. */
function againstAll(rows: readonly Advice[]): string[] {
  const both = rows.flatMap(({ promised, error, exhaustive }) => (exhaustive ? [{ promised, error, exhaustive }] : []))
  if (both.length === 0) return ['–', '–', '–']
  const heads = both.length < rows.length ? `, ${both.length} heads` : ''
  const ratio = (of: 'promised' | 'error') =>
    (mean(both.map((one) => one[of])) / mean(both.map(({ exhaustive }) => exhaustive[of]))).toFixed(2)
  const worst = Math.max(...both.map(({ error, exhaustive }) => over(error, exhaustive.error)))
  return [ratio('promised') + heads, ratio('error') + heads, worst.toFixed(2)]
}

/** A line a set and share; below, how many heads are missed, by the pick and by a search that drops nothing. */
export function adviceTable(rows: readonly Advice[]): string {
  const sets = [...new Set(rows.map(({ set, share }) => `${set}, 1/${share}`))]
  const lines = sets.map((name) => {
    const own = rows.filter(({ set, share }) => `${set}, 1/${share}` === name)
    const hindsight = own.map(({ single, best }) => single[best])
    const ratios = own.map(({ error }, i) => over(error, hindsight[i]))
    const worst = own[ratios.indexOf(Math.max(...ratios))]
    const cells = [
      `${TITLES[own[0].set] ?? own[0].set}, 1/${own[0].share}`,
      own.length,
      mean(own.map(({ error }) => error)).toFixed(4),
      mean(hindsight).toFixed(4),
      (mean(own.map(({ error }) => error)) / mean(hindsight)).toFixed(2),
      `${Math.max(...ratios).toFixed(2)} (${worst.head}, ${worst.best})`,
      ratios.filter((ratio) => ratio > MISS).length,
      mean(own.map(({ seconds }) => seconds)).toFixed(2),
      ...againstAll(own),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| heads | number | error of the pick | of the best single method | ratio | worst head | above 1.2 | CPU s | pick over a search that drops nothing: on the pilot | on later tokens | worst head |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    missed(rows),
  ].join('\n')
}

/** How many heads are missed by a fifth. */
export function missed(rows: readonly Advice[]): string {
  const held = rows.filter(({ exhaustive }) => exhaustive)
  const misses = (of: readonly Advice[], error: (one: Advice) => number) =>
    of.filter((one) => over(error(one), one.single[one.best]) > MISS).length
  return `In ${misses(rows, ({ error }) => error)} of ${rows.length} cells the error of the pick is more than 20 % above that of the best single method. In ${held.length} cells a search that drops nothing ran too: there the pick is so far above in ${misses(held, ({ error }) => error)}, and that search in ${misses(held, ({ exhaustive }) => exhaustive!.error)}.`
}

/** Mean error of the pick and of the best single method against the share of the cache, a panel a set of heads. */
export function advicePicture(rows: readonly Advice[]): string {
  const points = (set: string, error: (one: Advice) => number) => {
    const own = rows.filter((row) => row.set === set)
    return [...new Set(own.map(({ share }) => share))].map(
      (share) => [share, mean(own.filter((row) => row.share === share).map(error))] as const,
    )
  }
  return plot(
    'Error of what the adviser picks, and of the best single method',
    [...new Set(rows.map(({ set }) => set))].map((set) => ({
      title: `${TITLES[set] ?? set} heads`,
      x: { label: 'cache / bytes', log: true },
      y: { label: 'relative error' },
      lines: [
        { name: 'the pick', points: points(set, ({ error }) => error) },
        {
          name: 'the best of each head, with hindsight',
          dashed: true,
          points: points(set, ({ single, best }) => single[best]),
        },
      ],
    })),
  )
}
