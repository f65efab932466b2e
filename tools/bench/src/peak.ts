import { peakProbe } from '@sublinear/kernels'
import { timed, type Case } from './suite.ts'

export const PEAK = 'register peak'

/** Multiply-adds in registers only: what a perfect plain-SIMD kernel would reach on this machine, now. */
export function peak(): Case {
  const rounds = 20_000
  return { ...timed(PEAK, () => peakProbe(rounds)), operations: peakProbe(rounds) }
}
