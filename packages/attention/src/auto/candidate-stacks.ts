import type { Kept, Stack } from './stack'

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
/** What may take bytes of its own instead of the best rest, and how much of them. */
const SIZED: readonly (readonly [Stack['rest'], number])[] = [
  ['clusters', 0.1],
  ['halving', 0.3],
  ['moments', 0.3],
]

type Bits = readonly [keyBits: number, valueBits: number]

const tier = (by: Kept['by'], share: number, [keyBits, valueBits]: Bits): Kept => ({ by, share, keyBits, valueBits })

const selections: readonly (readonly Kept[])[] = [
  ...ONE.map((bits) => [tier('far', 1, bits)]),
  ...TWO.map(([share, a, b, c, e]) => [tier('far', share, [a, b]), tier('far', 1 - share, [c, e])]),
]

/**
 * What is tried first where nothing is asked for: far keys in one or two precisions, and what takes the rest. Bits decide above 1/7 of the
 * cache, what is kept and what stands for the others below; no stack wins on every head (measured, see the README).
 */
export const STACKS: readonly Stack[] = selections.flatMap((kept) =>
  (['mean', 'closure'] as const).map((rest) => ({ window: 0, kept, rest })),
)

/** The newest tokens, before what is far. */
const WINDOWS = [16, 64]
/** Tokens in many bits before what is far, by their share; and the bits of the others, which need be fewer then. */
const FRONTS: readonly (readonly [Kept['by'], number])[] = [
  ['attended', 0.15],
  ['attended', 0.3],
  ['recent', 0.15],
]
const FINE: Bits = [8, 6]
const BEHIND: readonly Bits[] = [
  [5, 3],
  [4, 3],
  [4, 2],
]

/**
 * What is tried with the best so far: other rests; and where queries come with their tokens windows, the newest and those that receive attention in
 * more bits before the others.
 */
export function variantsOf(best: Stack, withQueries: boolean): Stack[] {
  const used = best.kept.reduce((sum, { share }) => sum + share, 0)
  const behind = [best.kept, ...BEHIND.map((bits) => [tier('far', used, bits)])]
  const rests = SIZED.map(([rest, share]) => ({ ...best, kept: best.kept.map((one) => smaller(one, share)), rest }))
  if (!withQueries) return rests // what is asked later has no use for the newest: they would win by chance
  return [
    ...rests,
    ...WINDOWS.map((window) => ({ ...best, window })),
    ...FRONTS.flatMap(([by, share]) =>
      behind.map((others) => ({
        ...best,
        kept: [tier(by, share * used, FINE), ...others.map((one) => smaller(one, share))],
      })),
    ),
  ]
}

/** A tier of a smaller share, to leave room for another. */
function smaller(kept: Kept, by: number): Kept {
  return { ...kept, share: kept.share * (1 - by) }
}
