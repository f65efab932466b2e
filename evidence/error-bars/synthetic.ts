import { errorBars, exactAttention, normalise } from '@sublinear/attention'
import { random } from '@sublinear/laws'
import { judged, shape, twoKinds } from './two-kinds.ts'

/** Sets of seeds, streams of a set, as in the test of measured bars, and the shares that it allows. */
const [SETS, STREAMS] = [40, 24]
export const ALLOWED = [0.93, 0.97] as const
const Z = 1.96
const DRAWS = 4000

/** Coverage of measured bars on tokens of two kinds over many sets of seeds, and how far sets should differ by chance. */
export interface Synthetic {
  readonly summary: string
  readonly sets: number
  /** Streams, and entries, of a set. */
  readonly streams: number
  readonly entries: number
  /** Share of the entries within their bars, over all sets, and in the set with the least and with the most. */
  readonly covered: number
  readonly least: number
  readonly most: number
  /** Sets whose share leaves the allowed ones; as many by a binomial distribution of entries, and where whole streams are drawn at random from all. */
  readonly outside: number
  readonly byEntries: number
  readonly byStreams: number
  /** Variance of a set's share over that of independent entries. */
  readonly effect: number
}

interface Counts {
  readonly within: number
  readonly entries: number
}

function ofStream(make: (typeof judged)[number][2], apart: number, number: number): Counts {
  const { queries, ...block } = twoKinds(100_000 + 5 * number, apart)
  const truth = exactAttention({ queries, ...block, scale: shape.scale }).data
  const stream = make(number)
  stream.push(block)
  const partial = stream.attend(queries, { errorBars: true })
  const answers = normalise(partial).data
  const { error, flagged } = errorBars(partial)
  let [within, entries] = [0, 0]
  for (const [i, x] of answers.entries()) {
    if (flagged[Math.floor(i / shape.dv)]) continue
    entries++
    if (Math.abs(x - truth[i]) <= Z * error.data[i]) within++
  }
  return { within, entries }
}

const shareOf = (all: readonly Counts[]) =>
  all.reduce((sum, { within }) => sum + within, 0) / all.reduce((sum, { entries }) => sum + entries, 0)
const isOutside = (share: number) => share <= ALLOWED[0] || share >= ALLOWED[1]
const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / all.length

/** Measures all summaries. Chance is reckoned from the streams themselves: sets of streams drawn from all of them, with replacement. */
export function synthetic(): Synthetic[] {
  return judged.map(([summary, apart, make]) => {
    const all = Array.from({ length: SETS * STREAMS }, (_, i) => ofStream(make, apart, i))
    const sets = Array.from({ length: SETS }, (_, s) => shareOf(all.slice(s * STREAMS, (s + 1) * STREAMS)))
    const picks = random(DRAWS, STREAMS, 1).data.map((x) => Math.floor(((x + 1) / 2) * all.length)) // of −1 … 1
    const drawn = Array.from({ length: DRAWS }, (_, i) =>
      shareOf([...picks.subarray(i * STREAMS, (i + 1) * STREAMS)].map((at) => all[Math.min(at, all.length - 1)])),
    )
    const covered = shareOf(all)
    const entries = all.reduce((sum, one) => sum + one.entries, 0) / SETS
    const variance = (covered * (1 - covered)) / entries
    return {
      summary,
      sets: SETS,
      streams: STREAMS,
      entries: Math.round(entries),
      covered,
      least: Math.min(...sets),
      most: Math.max(...sets),
      outside: sets.filter(isOutside).length,
      byEntries: SETS * beyond(covered, Math.sqrt(variance)),
      byStreams: SETS * mean(drawn.map((share) => Number(isOutside(share)))),
      effect: mean(drawn.map((share) => (share - covered) ** 2)) / variance,
    }
  })
}

/** The probability that a normal number of this mean and deviation leaves the allowed shares. */
function beyond(centre: number, deviation: number): number {
  return tail((centre - ALLOWED[0]) / deviation) + tail((ALLOWED[1] - centre) / deviation)
}

/** P[Z > x] of a normal Z, by the midpoints of 4000 intervals from x on. */
function tail(x: number): number {
  const step = 12 / 4000
  let sum = 0
  for (let i = 0; i < 4000; i++) sum += Math.exp(-((x + (i + 0.5) * step) ** 2) / 2)
  return (sum * step) / Math.sqrt(2 * Math.PI)
}
