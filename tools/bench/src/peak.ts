import { peakProbe } from '@sublinear/kernels'
import { cpuTime } from './measure.ts'
import { timed, type Case } from './suite.ts'

export const PEAK = 'register peak'
const ROUNDS = 20_000

/** A case of multiply-adds in registers only: the rate that a perfect plain-SIMD kernel would reach on this machine at this moment. */
export function peak(): Case {
  return { ...timed(PEAK, () => peakProbe(ROUNDS)), operations: peakProbe(ROUNDS) }
}

/** The register peak in 10⁹ operations a second, measured for some 20 ms: taken between groups, it tells a disturbed run from a quiet one. */
export function peakRate(): number {
  peakProbe(ROUNDS) // compiled
  const start = cpuTime()
  let operations = 0
  while (cpuTime() < start + 20) operations += peakProbe(ROUNDS)
  return operations / ((cpuTime() - start) * 1e6)
}
