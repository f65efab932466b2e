import type { Matrix } from '@sublinear/core'

/** The relative error ‖got − exact‖_F / ‖exact‖_F, where `got` comes in pieces; Infinity where an answer is no finite number. */
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

/** The root of a squared error over a squared norm. Where the norm is 0 (values that are all 0), an error counts 1, and no error 0. */
export function relative(distance: number, norm: number): number {
  return norm > 0 ? Math.sqrt(distance / norm) : Number(distance > 0)
}
