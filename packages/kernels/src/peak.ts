import { simdMachine } from './module'

/**
 * Probes the peak rate, for benches: runs `iterations` rounds of multiply and add in registers only, in as many chains as plain WASM SIMD has registers for,
 * and returns the number of float32 operations. Their rate is the most that a perfect kernel of plain SIMD could reach.
 */
export function peakProbe(iterations: number): number {
  simdMachine().wasm.peak({ rounds: iterations })
  return iterations * 96
}
