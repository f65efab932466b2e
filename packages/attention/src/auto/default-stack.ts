import { countsWithin, type Budget, type FarKeys, type Stack } from './stack'

const far = (share: number, keyBits: number, valueBits: number): FarKeys => ({ share, keyBits, valueBits })
const FEWEST: readonly FarKeys[] = [far(0.5, 6, 4), far(0.5, 4, 2)]

/** What is held, the finest first, and for how many of the tokens to come there must be room. */
const CHOICES: readonly (readonly [readonly FarKeys[], number])[] = [
  [[far(1, 8, 6)], 1],
  [[far(1, 7, 5)], 1],
  [[far(1, 6, 4)], 1],
  [[far(0.4, 8, 6), far(0.6, 5, 3)], 0.6],
  [FEWEST, 0],
]

/**
 * What to hold of a head that nothing is known of: all tokens while 6 and 4 bits have room for them, else far keys in two precisions,
 * and one mean token for the others: a closure does better where scores are bounded, and answers sharp heads worse than that.
 */
export function defaultStack(budget: Budget & { readonly tokens: number }): Stack {
  const stacks = CHOICES.map(([one, room]) => ({ stack: { window: 0, far: one, rest: 'mean' } as const, room }))
  const fitting = stacks.find(({ stack, room }) => {
    const held = countsWithin(stack, budget)?.far.reduce((sum, count) => sum + count, 0) ?? 0
    return held >= room * budget.tokens
  })
  return (fitting ?? stacks.at(-1)!).stack
}
