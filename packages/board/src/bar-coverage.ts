import type { PartialSoftmax } from '@sublinear/core'
import { errorBars, normalise } from '@sublinear/exact-attention'
import type { BoardBars } from './board'

/** Standard errors that a 95 % bar reaches to either side. */
const Z = 1.96

/** Counts how many entries lie within their bars, block by block. */
export function barCoverage(exact: Float32Array) {
  let [rows, flags, entries, within, widths, norms] = [0, 0, 0, 0, 0, 0]
  return {
    /** The partial of the rows from this one on. */
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
