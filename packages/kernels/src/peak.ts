import { probeCalls } from './module'

let calls: ReturnType<typeof probeCalls> | undefined

/**
 * Probes the peak rate, for benches: runs `iterations` rounds of multiply and add in registers only, in as many chains as plain WASM SIMD has registers for,
 * and returns the number of float32 operations. Their rate is the most that a perfect kernel of plain SIMD could reach.
 */
export function peakProbe(iterations: number): number {
  calls ??= probeCalls()
  calls.peak({ rounds: iterations })
  return iterations * 96
}
