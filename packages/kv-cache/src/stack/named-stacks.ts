import type { Matrix, Method } from '@sublinear/core'
import { countsWithin, type Kept, type Stack, type StackBudget } from './stack'
import { taughtStack } from './taught-stack'

const tier = (by: string, share: number, keyBits: number, valueBits: number): Kept => ({
  by,
  share,
  keyBits,
  valueBits,
})
const stack = (rest: string, ...kept: readonly Kept[]): Stack => ({ window: 0, kept, rest })

/** Bits in which all tokens may have room, the finest first. */
const ALL = [
  [8, 6],
  [7, 5],
  [6, 4],
  [5, 4],
  [5, 3],
  [4, 3],
] as const

/** Stacks of which one suits nearly every kind of head, whatever the budget: sharp heads, bounded ones, and heads whose keys lie in clumps. */
const ANY: readonly Stack[] = [
  stack('mean', tier('h2o', 0.2, 8, 6), tier('farKeys', 0.8, 4, 3)),
  stack('mean', tier('observedAttention', 1, 6, 4)),
  stack('closure', tier('farKeys', 1, 6, 4)),
  stack('none', tier('farKeys', 0.5, 6, 4), tier('clusters', 0.5, 7, 5)),
  stack('none', tier('farKeys', 0.25, 6, 4), tier('clusters', 0.75, 6, 4)),
  stack('none', tier('clusters', 1, 8, 6)),
  stack('none', tier('clusters', 1, 6, 4)),
]

/**
 * Stacks to try on a head of which nothing is known: the list above, and all tokens in the finest bits that have room for all, and for two thirds of them.
 */
export function namedStacks(
  budget: StackBudget & { readonly tokens: number },
  methods: readonly Method[],
): readonly Stack[] {
  const known = new Set(methods.map(({ name }) => name))
  const fitting = (one: Stack) =>
    one.kept.every(({ by }) => known.has(by)) &&
    (one.rest === 'none' || known.has(one.rest)) &&
    countsWithin(one, budget, methods) !== undefined
  const holds = (share: number) => (one: Stack) => {
    const counts = countsWithin(one, budget, methods)
    return counts !== undefined && counts.kept[0] >= share * budget.tokens
  }
  const all = ALL.map(([keyBits, valueBits]) => stack('mean', tier('farKeys', 1, keyBits, valueBits))).filter(fitting)
  const whole = all.find(holds(1))
  const most = all.find(holds(2 / 3))
  return [...new Set([...(whole ? [whole] : []), ...(most ? [most] : []), ...ANY.filter(fitting)])]
}

/** The stacks of a list again, in the metric of these queries; none where they are all 0. */
export function namedInMetric(
  stacks: readonly Stack[],
  queries: Matrix,
  budget: StackBudget,
  methods: readonly Method[],
): readonly Stack[] {
  return stacks
    .map((stack) => taughtStack({ ...stack, metric: [] }, queries))
    .filter((stack) => stack.metric && countsWithin(stack, budget, methods))
}
