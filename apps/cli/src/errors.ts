import type { Matrix } from '@sublinear/core'
import { figureText } from './report'

/** Relative Frobenius errors against exact answers, beside those of two trivial answers. */
export interface RelativeErrors {
  readonly error: number
  /** The error of answering zero: 1 by definition of the unit. */
  readonly zero: number
  /** The error of uniform attention: the mean of the values seen so far. */
  readonly uniform: number
}

/** Numbers of the rows that a check looked at. */
export interface Looked {
  /** Numbers of rows: looked at, of these with the largest queries, and all. */
  readonly rowsLookedAt: number
  readonly largest: number
  readonly rows: number
}

/** Errors of a sample of rows: 95 % intervals, which are points where all rows were looked at. */
export interface SampledErrors extends RelativeErrors, Looked {
  readonly errorInterval: Interval
  readonly uniformInterval: Interval
}

export type Interval = readonly [low: number, high: number]

/** Standard deviations within which 95 % of normal numbers lie. */
const DEVIATIONS = 1.96

/** Squares of one row. */
interface Squares {
  readonly norm: number
  readonly distance: number
  readonly uniform: number
}

/** Collects squared errors row by row; `weight` is the number of rows that a row stands for. */
export function errorMeter() {
  const rows: (Squares & { readonly weight: number })[] = []
  return {
    add(exact: Matrix, answer: Matrix, uniform: Matrix, weight = 1) {
      let [norm, distance, average] = [0, 0, 0]
      for (let i = 0; i < exact.data.length; i++) {
        const truth = exact.data[i]
        norm += truth * truth
        distance += (answer.data[i] - truth) ** 2
        average += (uniform.data[i] - truth) ** 2
      }
      rows.push({ norm, distance, uniform: average, weight })
    },
    /**
     * Computes the errors over all rows that the sample stands for. Intervals: the ratio of two weighted sums is linear near its value, its logarithm is about
     * normal; rows that stand only for themselves add no variance.
     */
    read(looked: Looked): SampledErrors {
      const total = sumOf(rows)
      const drawn = rows.filter(({ weight }) => weight !== 1)
      const withInterval = (squaresOf: (row: Squares) => number): { error: number; interval: Interval } => {
        const ratio = total.norm === 0 ? 0 : squaresOf(total) / total.norm
        const error = squaresOf(total) === 0 ? 0 : Math.sqrt(squaresOf(total) / total.norm)
        const residues = drawn.map((row) => row.weight * (squaresOf(row) - ratio * row.norm))
        const middle = residues.reduce((sum, x) => sum + x, 0) / residues.length
        const variance = residues.reduce((sum, x) => sum + (x - middle) ** 2, 0)
        const deviation = Math.sqrt((variance * residues.length) / Math.max(1, residues.length - 1))
        const spread = drawn.length > 0 && ratio > 0 ? Math.exp((DEVIATIONS * deviation) / (2 * ratio * total.norm)) : 1
        return { error, interval: [error / spread, error * spread] }
      }
      const own = withInterval(({ distance }) => distance)
      const average = withInterval(({ uniform }) => uniform)
      return {
        error: own.error,
        zero: total.norm === 0 ? 0 : 1,
        uniform: average.error,
        errorInterval: own.interval,
        uniformInterval: average.interval,
        ...looked,
      }
    },
  }
}

function sumOf(rows: readonly (Squares & { readonly weight: number })[]): Squares {
  let [norm, distance, uniform] = [0, 0, 0]
  for (const row of rows) {
    norm += row.weight * row.norm
    distance += row.weight * row.distance
    uniform += row.weight * row.uniform
  }
  return { norm, distance, uniform }
}

/** Error below which answers differ from exact ones by little more than float32 does. */
const AS_GOOD = 1e-3

/** Whether the answer is worth having: as good as exact, or better than both trivial answers. */
export function isWorthwhile({ error, zero, uniform }: RelativeErrors): boolean {
  return error < AS_GOOD || error < Math.min(zero, uniform)
}

/** Whether it is worth having, where the rows that were not looked at cannot change that; undefined where they can. */
export function isSurelyWorthwhile(errors: SampledErrors): boolean | undefined {
  const { zero, errorInterval, uniformInterval } = errors
  const best = isWorthwhile({ error: errorInterval[0], zero, uniform: uniformInterval[1] })
  const worst = isWorthwhile({ error: errorInterval[1], zero, uniform: uniformInterval[0] })
  return best === worst ? best : undefined
}

/** Says in words how good the answers are. `share` is bytes held over bytes of the exact cache. */
export function verdict(errors: SampledErrors, share: number): string {
  const { error, zero, uniform, errorInterval, rowsLookedAt, rows } = errors
  const isSure = isSurelyWorthwhile(errors)
  if (isSure === undefined)
    return `no verdict: ${rowsLookedAt} of ${rows} rows were compared, and the others could make it useful or useless (${interval(errorInterval)})`
  const memory =
    share >= 1 ? 'more memory than the exact cache' : `1/${Math.max(1, Math.round(1 / share))} of the memory`
  if (error < AS_GOOD) return share >= 0.9 ? 'exact' : `as good as exact in ${memory}`
  if (!isWorthwhile(errors) && error >= zero) return 'worse than answering zero: do not use here'
  if (!isWorthwhile(errors)) return 'no better than averaging all values: do not use here'
  const off = `off by ${(100 * error).toFixed(error < 0.1 ? 1 : 0)} % in ${memory}`
  if (error < 0.1) return `close: ${off}`
  const averaging = `averaging is off by ${(100 * uniform).toFixed(0)} %`
  return error < uniform / 2 ? `rough: ${off}; ${averaging}` : `weak: ${off}; ${averaging}`
}

/** Writes an interval in words. */
export function interval([low, high]: Interval): string {
  return `95 % interval ${figureText(low)} to ${figureText(high)}`
}

/** The errors of a check, and what they were computed from. */
export function checkErrorText(errors: SampledErrors): string {
  const { error, zero, uniform, errorInterval, rowsLookedAt, rows, largest } = errors
  const others = `zero vector ${zero}, uniform attention ${figureText(uniform)}`
  if (rowsLookedAt === rows) return `relative error ${figureText(error)} over all ${rows} rows (${others})`
  const of = `${rowsLookedAt} of ${rows} rows, the ${largest} with the largest queries among them`
  return `relative error ${figureText(error)} over ${of} (${interval(errorInterval)}; ${others})`
}
