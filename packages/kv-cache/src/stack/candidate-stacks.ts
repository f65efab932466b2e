import type { Method } from '@sublinear/core'
import { countsWithin, type Kept, type Stack, type StackBudget } from './stack'

type Bits = readonly [keyBits: number, valueBits: number]

/** Bits of keys and values for one tier, the finest first. */
const ONE: readonly Bits[] = [
  [8, 6],
  [7, 7],
  [7, 5],
  [6, 4],
  [5, 4],
  [5, 3],
  [4, 3],
  [4, 2],
]
/** Two tiers of far keys: the share of the first, its bits, those of the second. */
const TWO: readonly (readonly [number, Bits, Bits])[] = [
  [0.3, [8, 6], [5, 4]],
  [0.4, [8, 6], [5, 3]],
  [0.4, [7, 5], [4, 3]],
  [0.5, [6, 4], [4, 2]],
  [0.5, [6, 4], [3, 2]],
]
/** What may take bytes of its own instead of the best rest, and how much of them. */
const SIZED: readonly (readonly [Stack['rest'], number])[] = [
  ['clusters', 0.1],
  ['clusters', 0.5],
]

const tier = (by: Kept['by'], share: number, [keyBits, valueBits]: Bits): Kept => ({ by, share, keyBits, valueBits })
const far = (bits: Bits, share = 1): Kept[] => [tier('farKeys', share, bits)]
const RESTS = ['mean', 'closure'] as const

/** Where none of these bits has room for all tokens. */
const TIGHT: readonly Bits[] = [
  [6, 4],
  [5, 4],
  [5, 3],
  [4, 3],
  [4, 2],
]

/**
 * What is tried first: far keys in one or two precisions, with a mean token or a closure for the rest, and half of them beside clusters. One precision is
 * the finest for which there is room for all tokens, or one of two finer ones; where none has room, each that is coarse.
 */
export function stacksFor(budget: StackBudget & { readonly tokens: number }, methods: readonly Method[]): Stack[] {
  const holdsAll = (bits: Bits) => {
    const counts = countsWithin({ window: 0, kept: far(bits), rest: 'mean' }, budget, methods)
    return counts !== undefined && counts.kept[0] >= budget.tokens
  }
  const at = ONE.findIndex(holdsAll)
  const some = at < 0 ? TIGHT : ONE.slice(Math.max(0, at - 2), at + 1)
  return [
    ...[
      ...some.map((bits) => far(bits)),
      ...TWO.map(([share, a, b]) => [...far(a, share), ...far(b, 1 - share)]),
    ].flatMap((kept) => RESTS.map((rest): Stack => ({ window: 0, kept, rest }))),
    { window: 0, kept: far(some[0], 0.5), rest: 'clusters' },
  ]
}

/** The newest tokens, before what is far. */
const WINDOWS = [16, 64]
/** Tokens in many bits before what is far, by their share; and the bits of the others, which need be fewer then. */
const FRONTS: readonly (readonly [Kept['by'], number])[] = [
  ['h2o', 0.15],
  ['h2o', 0.3],
  ['window', 0.15],
]
const FINE: Bits = [8, 6]
const BEHIND: readonly Bits[] = [
  [5, 3],
  [4, 2],
]

/**
 * What lies near a stack: the next bits, tokens in two precisions; other rests; and where queries come with their tokens windows, the newest and those
 * that receive attention in more bits before the others. Bits decide above 1/7 of the cache, what is kept and what stands for the others below; no
 * stack wins on every head (measured, see the README).
 */
export function variantsOf(best: Stack, withQueries: boolean): Stack[] {
  const used = best.kept.reduce((sum, { share }) => sum + share, 0)
  const own = best.kept.map(({ keyBits, valueBits }) => [keyBits, valueBits] as const)
  const front = best.kept.length > 0 && best.kept[0].by !== 'farKeys' ? best.kept[0] : undefined
  const behind = best.kept.slice(front ? 1 : 0)
  const left = behind.reduce((sum, { share }) => sum + share, 0)
  const bits = nextTo(own.at(-1) ?? FINE).map((bits) => far(bits, left))
  const splits = splitsNear(own.at(-1) ?? FINE).map(([share, a, b]) => [
    tier('farKeys', share * left, a),
    tier('farKeys', (1 - share) * left, b),
  ])
  const behindFront = (kept: readonly Kept[]): Stack => ({ ...best, kept: front ? [front, ...kept] : kept })
  const others = [
    ...bits.map(behindFront),
    ...RESTS.filter((rest) => rest !== best.rest).map((rest) => ({ ...best, rest })),
  ]
  const last = [
    ...SIZED.map(([rest, share]): Stack => ({ ...best, kept: best.kept.map((one) => smaller(one, share)), rest })),
    ...splits.map(behindFront),
  ]
  if (!withQueries) return [...others, ...last] // what is asked later has no use for the newest: they would win by chance
  const fewer = BEHIND.find(([keyBits]) => keyBits < (own.at(-1)?.[0] ?? 0))
  const fronts = front
    ? []
    : [best.kept, ...(fewer ? [far(fewer, used)] : [])].flatMap((kept) =>
        FRONTS.map(([by, share]) => ({
          ...best,
          kept: [tier(by, share * used, FINE), ...kept.map((one) => smaller(one, share))],
        })),
      )
  const windows = WINDOWS.filter((window) => window !== best.window).map((window) => ({ ...best, window }))
  return [...others, ...fronts, ...windows, ...last]
}

/** One step coarser and one finer; of bits that are none of these the nearest. */
function nextTo([keyBits, valueBits]: Bits): Bits[] {
  const at = ONE.findIndex(([keys, values]) => keys + values <= keyBits + valueBits)
  const place = at < 0 ? ONE.length - 1 : at
  return [place + 1, place - 1].flatMap((i) => (ONE[i] ? [ONE[i]] : []))
}

/** The two splits whose mean bits are nearest. */
function splitsNear([keyBits, valueBits]: Bits): (readonly [number, Bits, Bits])[] {
  const off = ([share, a, b]: (typeof TWO)[number]) =>
    Math.abs(share * (a[0] + a[1]) + (1 - share) * (b[0] + b[1]) - keyBits - valueBits)
  return TWO.toSorted((one, other) => off(one) - off(other)).slice(0, 2)
}

/** A tier of a smaller share, to leave room for another. */
function smaller(kept: Kept, by: number): Kept {
  return { ...kept, share: kept.share * (1 - by) }
}
