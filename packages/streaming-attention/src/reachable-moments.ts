import { checkFits, LARGEST_KEY, LARGEST_VALUE, MOST_WEIGHT, type State } from '@sublinear/core'

/** Share by which rounding may bring a mean beyond the entries that it is of. */
const SLACK = 1e-6

/** Weight and mean of a summary, as a snapshot has them. */
export interface SavedMean {
  readonly weight: number
  readonly mean: Float64Array // d + dv
}

/** @throws RangeError unless tokens that push accepts have this weight and this mean: what no stream can reach would be answered with, or folded into what is right */
export function checkMean(
  kind: string,
  { parameters }: Pick<State, 'parameters'>,
  { weight, mean }: SavedMean,
  d: number,
): void {
  const most = (entry: number) => (entry < d ? LARGEST_KEY : LARGEST_VALUE) * (1 + SLACK)
  checkFits(kind, weight >= 0 && weight <= Number(parameters['tokens']) * MOST_WEIGHT * (1 + SLACK))
  checkFits(
    kind,
    mean.every((x, i) => Math.abs(x) <= most(i)),
  )
}

/**
 * @param means  of columns; variances  of the keys; low, high  least and greatest entry of each of these columns
 * @throws RangeError unless tokens have these: no variance is negative, and a mean lies between the entries that it is of
 */
export function checkSpread(
  kind: string,
  means: Float64Array,
  {
    variances,
    low,
    high,
  }: { readonly variances: ArrayLike<number>; readonly low: Float32Array; readonly high: Float32Array },
): void {
  checkFits(
    kind,
    Array.from(variances).every((variance) => variance >= 0),
  )
  checkFits(
    kind,
    means.every((mean, c) => {
      const slack = SLACK * Math.max(Math.abs(low[c]), Math.abs(high[c]))
      return low[c] <= high[c] && mean >= low[c] - slack && mean <= high[c] + slack
    }),
  )
}
