import type { FarKeys, Stack } from './stack'

/** Bits of keys and values for one tier of far keys. */
const ONE: readonly (readonly [number, number])[] = [
  [8, 6],
  [7, 7],
  [7, 5],
  [6, 4],
  [5, 4],
  [5, 3],
  [4, 3],
  [4, 2],
]
/** Two tiers: the share of the first, its bits, those of the second. */
const TWO: readonly (readonly [number, number, number, number, number])[] = [
  [0.3, 8, 6, 5, 4],
  [0.4, 8, 6, 5, 3],
  [0.4, 7, 5, 4, 3],
  [0.5, 6, 4, 4, 2],
  [0.5, 6, 4, 3, 2],
]
/** Of the bytes, for clusters. */
const CLUSTERS = 0.1

const far = (share: number, keyBits: number, valueBits: number): FarKeys => ({ share, keyBits, valueBits })

const selections: readonly (readonly FarKeys[])[] = [
  ...ONE.map(([a, b]) => [far(1, a, b)]),
  ...TWO.map(([share, a, b, c, e]) => [far(share, a, b), far(1 - share, c, e)]),
]

/**
 * What is tried where nothing is asked for: far keys in one or two precisions, and what takes the rest. Bits decide above 1/7 of the
 * cache, what is kept and what stands for the others below; no stack wins on every head (measured, see the README).
 */
export const STACKS: readonly Stack[] = [
  ...selections.flatMap((one) => (['mean', 'closure'] as const).map((rest) => ({ window: 0, far: one, rest }))),
  ...selections.slice(5).map((one): Stack => {
    const smaller = one.map(({ share, ...bits }) => ({ share: share * (1 - CLUSTERS), ...bits }))
    return { window: 0, far: smaller, rest: 'clusters' }
  }),
]

/** The best so far with the newest tokens before it. */
export function withWindows(stack: Stack): Stack[] {
  return [16, 64].map((window) => ({ ...stack, window }))
}
