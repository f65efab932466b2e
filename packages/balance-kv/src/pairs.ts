import { MOST_WEIGHT, type KvBlock } from '@sublinear/core'
import type { Halved } from './halving'

/** Neighbours as pairs: rows 2p and 2p + 1. A last odd row has no partner. */
export function neighbours(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows - (rows % 2) }, (_, i) => i)
}

/** Keeps one row of each pair, the second where `second[p]` says so, with the weights of both; a row without a partner stays as it is. */
export function onePerPair(
  { keys: { rows }, weights }: KvBlock,
  pairs: Uint32Array,
  second: (pair: number) => boolean,
): Halved {
  const total = weights ? weights.slice() : new Float32Array(rows).fill(1)
  for (let p = 0; p < pairs.length / 2; p++) {
    const [i, j] = [pairs[2 * p], pairs[2 * p + 1]]
    const both = Math.min(MOST_WEIGHT, total[i] + total[j])
    const stays = second(p)
    total[stays ? j : i] = both
    total[stays ? i : j] = 0
  }
  const kept = Uint32Array.from(total.keys()).filter((i) => total[i] > 0)
  return { kept, weights: Float32Array.from(kept, (i) => total[i]), failures: 0 }
}
