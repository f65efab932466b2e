import { LARGEST_KEY, LARGEST_VALUE, MOST_WEIGHT } from '@sublinear/core'

/** Share by which rounding may bring a mean beyond the entries that it is the mean of. */
const SLACK = 1e-6

/** Weight and mean of a summary, as a snapshot has them. */
export interface SavedMean {
  readonly weight: number
  readonly mean: Float64Array // d + dv
}

/** Rules of schemas: they refuse moments that no stream can reach, which would spoil later answers. */
export const REACHABLE =
  'The weight is at most 2^53 · `tokens`, and a mean within what push takes: 2^50 of keys, 2^64 of values; without weight it is 0.'
export const SPREAD =
  'No variance is negative; `low` and `high` are what push takes, and the mean lies between them. (Of what has no weight, nothing is asked.)'

/** Says whether so many tokens that push accepts can have this weight and this mean. */
export function isReachable({ weight, mean }: SavedMean, tokens: number, d: number): boolean {
  const most = (entry: number) => (entry < d ? LARGEST_KEY : LARGEST_VALUE) * (1 + SLACK)
  return weight <= tokens * MOST_WEIGHT * (1 + SLACK) && mean.every((x, i) => Math.abs(x) <= (weight > 0 ? most(i) : 0))
}

/**
 * Tells whether tokens can have these moments: no variance is negative, and each mean lies between the smallest and largest of its entries.
 *
 * @param means  means of columns; variances  variances of the keys; low, high  smallest and largest entry of each of these columns
 */
export function isSpread(
  means: Float64Array,
  {
    variances,
    low,
    high,
  }: { readonly variances: ArrayLike<number>; readonly low: Float32Array; readonly high: Float32Array },
): boolean {
  return (
    Array.from(variances).every((variance) => variance >= 0) &&
    means.every((mean, c) => {
      const slack = SLACK * Math.max(Math.abs(low[c]), Math.abs(high[c]))
      return (
        low[c] >= -LARGEST_VALUE &&
        low[c] <= high[c] &&
        high[c] <= LARGEST_VALUE &&
        mean >= low[c] - slack &&
        mean <= high[c] + slack
      )
    })
  )
}
