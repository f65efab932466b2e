import type { Method } from '@sublinear/core'
import { codedNear, isCoded } from './coded-stacks'
import { countsWithin, type Kept, type Stack, type StackBudget } from './stack'

type Bits = readonly [keyBits: number, valueBits: number]

/** Bits that serve better than any coarser ones, even where not all tokens have room in them. */
const FEWEST: Bits = [5, 4]
/** Bits of keys and values for one tier, the finest first. */
const ONE: readonly Bits[] = [[8, 6], [7, 7], [7, 5], [6, 4], FEWEST, [5, 3], [4, 3], [4, 2]]
/** A split into two tiers of far keys: the share of the first, its bits, the bits of the second. */
type Split = readonly [share: number, first: Bits, second: Bits]
const TWO: readonly Split[] = [
  [0.3, [8, 6], [5, 4]],
  [0.4, [8, 6], [5, 3]],
  [0.4, [7, 5], [4, 3]],
  [0.5, [6, 4], [4, 2]],
  [0.5, [6, 4], [3, 2]],
]
const RESTS = ['mean', 'closure'] as const
/** Rests that need a share of the budget, with the share to try. */
const SIZED: readonly (readonly [Stack['rest'], number])[] = [
  ['clusters', 0.1],
  ['clusters', 0.5],
]
/** Clusters in few bits behind far keys or instead of them: the share of the far keys, the bits of both. */
const CLUSTERED: readonly (readonly [share: number, far: Bits, clusters: Bits])[] = [
  [0, [8, 6], [8, 6]],
  [0, [6, 4], [6, 4]],
  [0, [5, 3], [5, 3]],
  [0.25, [6, 4], [6, 4]],
  [0.5, [6, 4], [7, 5]],
  [0.75, [6, 4], [6, 4]],
]
/** Numbers of newest tokens to try before the far keys. */
const WINDOWS = [0, 16, 64]
const tier = (by: Kept['by'], share: number, [keyBits, valueBits]: Bits): Kept => ({ by, share, keyBits, valueBits })
/** Tiers in more bits that may stand before far keys, with their shares. */
const FRONTS: readonly Kept[] = [
  tier('h2o', 0.15, [8, 6]),
  tier('h2o', 0.3, [8, 6]),
  tier('window', 0.15, [8, 6]),
  tier('observedAttention', 0.6, [6, 4]),
]
/** Tiers to try where few keys receive most of the attention: these tokens alone. */
const ATTENDED: readonly Kept[] = [tier('observedAttention', 1, [6, 4])]

const far = (bits: Bits, by: Kept['by'] = 'farKeys'): Kept[] => [tier(by, 1, bits)]
const split = ([share, first, second]: Split, by: Kept['by'] = 'farKeys'): Kept[] => [
  tier(by, share, first),
  tier(by, 1 - share, second),
]
const clustered = ([share, keys, means]: (typeof CLUSTERED)[number]): Stack => ({
  window: 0,
  kept: [...(share > 0 ? [tier('farKeys', share, keys)] : []), tier('clusters', 1 - share, means)],
  rest: 'none',
})
const total = (kept: readonly Kept[]) => kept.reduce((sum, { share }) => sum + share, 0)
/** Tiers with smaller shares, which leave room for others. */
const scaled = (kept: readonly Kept[], by: number): Kept[] => kept.map((one) => ({ ...one, share: one.share * by }))

/**
 * Stacks that a search begins with. Far keys: in the finest bits that have room for all tokens, and in the next finer; where only few bits have room, in 5 and
 * 4 bits and in two precisions; and attended tokens. Far keys come with a mean token and with a closure for the rest, and the first of them also at half the
 * share, beside clusters. Clusters in few bits come alone, and behind far keys at three shares.
 */
export function stacksFor(budget: StackBudget & { readonly tokens: number }, methods: readonly Method[]): Stack[] {
  const holdsAll = (bits: Bits) => {
    const counts = countsWithin({ window: 0, kept: far(bits), rest: 'mean' }, budget, methods)
    return counts !== undefined && counts.kept[0] >= budget.tokens
  }
  const room = ONE.slice(0, ONE.indexOf(FEWEST)).findIndex(holdsAll)
  const some =
    room < 0
      ? [far(FEWEST), split(TWO[0])]
      : ONE.slice(Math.max(0, room - 1), room + 1)
          .toReversed()
          .map((bits) => far(bits))
  return [
    ...CLUSTERED.map(clustered),
    ...some.flatMap((kept) => RESTS.map((rest): Stack => ({ window: 0, kept, rest }))),
    { window: 0, kept: scaled(some[0].slice(0, 1), 0.5 / some[0][0].share), rest: 'clusters' },
    ...(room < 0 ? [{ window: 0, kept: ATTENDED, rest: 'mean' }] : []),
  ]
}

/**
 * Stacks that differ from a given one in one thing: its window, what stands before the far keys, their bits, or the rest. A search that goes on from the best of
 * them finds stacks that differ in several. Above 1/7 of the cache the bits decide, below it the choice of tokens and the rest; no stack wins on every head
 * (measured, see the README).
 */
export function variantsOf(best: Stack): Stack[] {
  const front = best.kept.length > 1 && best.kept[0].by !== best.kept[1].by ? best.kept[0] : undefined
  const used = total(best.kept)
  const behind = best.kept.slice(front ? 1 : 0)
  const whole = scaled(behind, 1 / total(behind))
  const stack = (first: Kept | undefined, kept: readonly Kept[]): Stack => ({
    ...best,
    kept: [...(first ? [first] : []), ...scaled(kept, used - (first?.share ?? 0))],
  })
  const last = behind.at(-1)
  if (!last) return [] // the stack keeps no tokens whose bits could change
  if (last.by === 'clusters') return clusteredNear(best, last)
  const others = isCoded(best)
    ? codedNear({ ...last, share: 1 }).map((one) => [one])
    : [...nextTo(last).map((next) => far(next, last.by)), ...splitsNear(last).map((next) => split(next, last.by))]
  const bits = others.map((kept) => stack(front, kept))
  const rests = [
    ...RESTS.map((rest): Stack => ({ ...best, rest })),
    ...SIZED.map(([rest, share]): Stack => ({ ...best, kept: scaled(best.kept, (1 - share) / used), rest })),
  ].filter(({ rest }) => rest !== best.rest)
  const windows = WINDOWS.filter((window) => window !== best.window).map((window) => ({ ...best, window }))
  const fronts = [undefined, ...scaled(FRONTS, used)]
    .filter((one) => (one?.by !== front?.by || one?.share !== front?.share) && one?.by !== last.by)
    .map((one) => stack(one, whole))
  return [...windows, ...fronts, ...rests, ...bits]
}

/** Shares of far keys to try before clusters. */
const FAR_SHARES = [0, 0.1, 0.25, 0.5, 0.75, 0.9]

/** Stacks near one that ends in clusters, which keep all tokens that reach them: other shares, bits and windows, and attended tokens in place of far keys. */
function clusteredNear(best: Stack, last: Kept): Stack[] {
  const before = best.kept.slice(0, -1)
  const used = total(before)
  const means: Bits = [last.keyBits, last.valueBits]
  const keys: Bits = before[0] ? [before[0].keyBits, before[0].valueBits] : [6, 4]
  const shares = FAR_SHARES.filter((share) => share !== used).map((share) => clustered([share, keys, means]))
  const bits = [
    ...nextTo(last).map((next) => clustered([used, keys, next])),
    ...(before[0] ? nextTo(before[0]).map((next) => clustered([used, next, means])) : []),
  ]
  const attended = [0.15, 0.3].map((share): Stack => {
    const [one] = clustered([0, keys, means]).kept
    return { window: 0, kept: [tier('h2o', share, [8, 6]), { ...one, share: 1 - share }], rest: 'none' }
  })
  const windows = WINDOWS.filter((window) => window !== best.window).map((window) => ({ ...best, window }))
  return [...[...shares, ...bits, ...attended].map((stack) => ({ ...stack, window: best.window })), ...windows]
}

/** The bits one step coarser and one step finer; for bits that are not in the list, the nearest. */
function nextTo({ keyBits, valueBits }: Kept): Bits[] {
  const at = ONE.findIndex(([keys, values]) => keys + values <= keyBits + valueBits)
  const place = at < 0 ? ONE.length - 1 : at
  return [place + 1, place - 1].flatMap((i) => (ONE[i] ? [ONE[i]] : []))
}

/** The two splits whose mean bits are nearest. */
function splitsNear({ keyBits, valueBits }: Kept): Split[] {
  const off = ([share, a, b]: Split) =>
    Math.abs(share * (a[0] + a[1]) + (1 - share) * (b[0] + b[1]) - keyBits - valueBits)
  return TWO.toSorted((one, other) => off(one) - off(other)).slice(0, 2)
}
