import { simdMachine } from './module'

/**
 * For benches: runs `iterations` rounds of multiply and add in registers only, as many chains as plain WASM SIMD has
 * registers for, and returns the float32 operations done. Their rate is what a perfect plain-SIMD kernel could reach.
 */
export function peakProbe(iterations: number): number {
  simdMachine().wasm.peak({ rounds: iterations })
  return iterations * 96
}
