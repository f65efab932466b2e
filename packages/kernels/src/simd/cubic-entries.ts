import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import type { Staging } from '../staging'

/** Computes entries by way of the scratch: 8 bytes an entry. */
export function simdCubicEntries({ wasm, arena }: SketchMachine, staging: Staging): SketchKernels['cubicEntries'] {
  return (targets, factors, values, skip, count, functions, height, unit) => {
    const entries = count * functions
    const stagedTargets = staging.region(entries * 8 + functions * 32)
    const stagedFactors = stagedTargets + entries * 4
    const stagedValues = stagedFactors + entries * 4
    staging.wordsIn(stagedValues, values, 0, functions * 8)
    for (let e = 0; e < functions; e++) {
      wasm.cubicEntries({
        targets: stagedTargets + e * 4,
        factors: stagedFactors + e * 4,
        step: functions * 4,
        values: stagedValues + e * 32,
        skip,
        count,
        height,
        base: e * height,
        unit,
      })
    }
    targets.set(arena.u32.subarray(stagedTargets / 4, stagedTargets / 4 + entries))
    staging.out(factors, 0, stagedFactors, entries)
  }
}
