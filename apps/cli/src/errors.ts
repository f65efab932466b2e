import type { Matrix } from '@sublinear/core'

/** Relative Frobenius errors against exact answers, beside what two answers that know nothing would get. */
export interface RelativeErrors {
  readonly error: number
  /** Of answering zero: 1 by definition of the unit. */
  readonly zero: number
  /** Of uniform attention: the mean of the values seen so far. */
  readonly uniform: number
}

/** Collects squared errors row block by row block; all three matrices of one shape. */
export function errorMeter() {
  let norm = 0
  let distance = 0
  let uniformDistance = 0
  return {
    add(exact: Matrix, answer: Matrix, uniform: Matrix) {
      for (let i = 0; i < exact.data.length; i++) {
        const truth = exact.data[i]
        norm += truth * truth
        distance += (answer.data[i] - truth) ** 2
        uniformDistance += (uniform.data[i] - truth) ** 2
      }
    },
    read(): RelativeErrors {
      const relative = (squares: number) => (squares === 0 ? 0 : Math.sqrt(squares / norm))
      return { error: relative(distance), zero: norm === 0 ? 0 : 1, uniform: relative(uniformDistance) }
    },
  }
}

/** Below this, answers differ from exact ones by little more than float32 does. */
const AS_GOOD = 1e-3

/** Is the answer worth having: as good as exact, or better than both answers that know nothing? */
export function isWorthwhile({ error, zero, uniform }: RelativeErrors): boolean {
  return error < AS_GOOD || error < Math.min(zero, uniform)
}

/** What the numbers mean, in words. `share` is bytes held over bytes of the exact cache. */
export function verdict(errors: RelativeErrors, share: number): string {
  const { error, zero, uniform } = errors
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
