import type { PartialSoftmax } from '@sublinear/core'
import { errorBars, normalise } from '@sublinear/exact-attention'
import type { BoardBars } from './board'

/** Number of standard errors from the middle of a 95 % error bar to its end. */
const Z = 1.96

/** Counts how many entries lie within their error bars, block by block. */
export function barCoverage(exact: Float32Array) {
  let [rows, flags, entries, within, widths, norms] = [0, 0, 0, 0, 0, 0]
  return {
    /** Adds the partial of rows from row `first` on. */
    add(partial: PartialSoftmax, first: number) {
      const { error, flagged } = errorBars(partial)
      const answers = normalise(partial).data
      const { cols } = error
      for (const [r, flag] of flagged.entries()) {
        rows++
        flags += flag
        if (flag) continue
        for (let i = r * cols; i < (r + 1) * cols; i++) {
          const truth = exact[first * cols + i]
          entries++
          if (Math.abs(answers[i] - truth) <= Z * error.data[i] + 2 ** -20 * Math.abs(truth)) within++
          widths += (Z * error.data[i]) ** 2
          norms += truth * truth
        }
      }
    },
    read: (): BoardBars => ({
      ...(entries > 0 && { covered: within / entries }),
      flagged: rows > 0 ? flags / rows : 0,
      width: norms > 0 ? Math.sqrt(widths / norms) : 0,
    }),
  }
}
