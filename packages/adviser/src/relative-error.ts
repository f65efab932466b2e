import type { Matrix } from '@sublinear/core'

/** ‖got − exact‖_F / ‖exact‖_F, what is got in pieces; Infinity where an answer is no finite number. */
export function relativeError(got: readonly Matrix[], exact: Matrix): number {
  let [distance, norm, at] = [0, 0, 0]
  for (const { data } of got) {
    for (const value of data) {
      const truth = exact.data[at++]
      distance += (value - truth) ** 2
      norm += truth * truth
    }
  }
  if (Number.isNaN(distance)) return Infinity
  return relative(distance, norm)
}

/** The root of a squared error over a squared norm; of a norm of 0, as of values that are all 0, an error is 1 and none 0. */
export function relative(distance: number, norm: number): number {
  return norm > 0 ? Math.sqrt(distance / norm) : Number(distance > 0)
}
