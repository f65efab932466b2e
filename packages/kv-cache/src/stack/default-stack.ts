import type { Method } from '@sublinear/core'
import { countsWithin, type Kept, type Stack } from './stack'

const tier = (by: string, share: number, keyBits: number, valueBits: number): Kept => ({
  by,
  share,
  keyBits,
  valueBits,
})
const FEWEST: readonly Kept[] = [tier('h2o', 0.2, 8, 6), tier('farKeys', 0.8, 4, 3)]

/** Tiers to hold, the finest first, each with the share of the tokens to come for which there must be room. */
const CHOICES: readonly (readonly [readonly Kept[], number])[] = [
  [[tier('farKeys', 1, 8, 6)], 1],
  [[tier('farKeys', 1, 7, 5)], 1],
  [[tier('farKeys', 1, 6, 4)], 1],
  [[tier('h2o', 0.15, 8, 6), tier('farKeys', 0.85, 5, 3)], 0.6],
  [FEWEST, 0],
]

/** Share of the bytes that a sample of the tokens that no tier keeps takes, where error bars are asked for. */
const SAMPLED = 1 / 4

/** The same tiers in dithered codes, with a sample for the other tokens: everything that such a stack estimates has a known variance. */
function sampled(kept: readonly Kept[], dither: number): Stack {
  return {
    window: 0,
    kept: kept.map((one) => ({ ...one, share: one.share * (1 - SAMPLED) })),
    rest: 'reservoir',
    dither,
  }
}

/**
 * Chooses a stack for a head of which nothing is known. It holds all tokens while 6 and 4 bits have room for them. Else it holds the tokens that receive
 * attention in many bits (where tokens are pushed without queries, the newest), far keys in few, and one mean token for the others: a closure does better
 * where scores are bounded, but answers sharp heads worse. With a seed for a dither, the codes are dithered and a sample stands for the others. Scores with a soft
 * cap: the newest tokens and far keys, and no summary.
 */
export function defaultStack(
  budget: Parameters<typeof countsWithin>[1] & { readonly tokens: number; readonly dither?: number | undefined },
  methods: readonly Method[],
): Stack {
  const { dither, softcap } = budget
  const isCapped = softcap !== undefined // tiers that learn from attention, and summaries, know plain scores alone
  const knowing = (one: Kept): Kept => (isCapped && one.by === 'h2o' ? { ...one, by: 'window' } : one)
  const stacks = CHOICES.map(([tiers, room]) => {
    const kept = tiers.map(knowing)
    const plain = { window: 0, kept, rest: isCapped ? 'none' : 'mean' }
    return { stack: dither === undefined ? plain : sampled(kept, dither), room }
  })
  const fitting = stacks.find(({ stack, room }) => {
    const counts = countsWithin(stack, budget, methods)
    if (!counts) return room === 0
    const waiting = budget.tokens < Infinity ? ((budget.tokens - 1) % counts.buffer) + 1 : 0
    return counts.kept.reduce((sum, count) => sum + count, 0) >= (room === 0 ? 0 : room * (budget.tokens - waiting))
  })
  return (fitting ?? stacks.at(-1)!).stack
}

/** Whether a default stack has room for all tokens in its finest bits, so that nothing is left to choose. */
export function isFinest({ kept }: Stack): boolean {
  return kept.length === 1 && kept[0].keyBits === CHOICES[0][0][0].keyBits
}
