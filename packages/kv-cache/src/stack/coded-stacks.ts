import type { Method } from '@sublinear/core'
import { CODED, countsWithin, type Kept, type Stack, type StackBudget } from './stack'

/** Bits an entry of an entropy-coded tier, in halves: what keys and values name between them. */
const [FEWEST, MOST] = [2, 8]
/** Bits above those in which all tokens have room, that are tried first: finer ones hold the far keys alone. */
const FINER = [0, 1, 2]
/** Bits beside the best. */
const NEAR = [-1, -0.5, 0.5, 1]
const RESTS = ['closure', 'mean'] as const
/** Share of the coded tokens before clusters. */
const BEFORE_CLUSTERS = 0.5

/** An entropy-coded tier of so many bits an entry. */
function coded(bits: number, share: number): Kept {
  const halves = Math.round(2 * Math.max(FEWEST, Math.min(MOST, bits)))
  return { by: CODED, share, keyBits: Math.ceil(halves / 2), valueBits: Math.floor(halves / 2) }
}
const bitsOf = ({ keyBits, valueBits }: Kept) => (keyBits + valueBits) / 2

/** Whether the last tier of a stack is entropy-coded. */
export function isCoded({ kept }: Stack): boolean {
  return kept.at(-1)?.by === CODED
}

/**
 * Stacks of entropy-coded tokens that a search begins with where a query may take milliseconds: in the bits in which all tokens have room, one and two bits
 * finer, with a closure and a mean token for the rest, and the first also as half beside clusters.
 */
export function codedStacksFor(budget: StackBudget & { readonly tokens: number }, methods: readonly Method[]): Stack[] {
  if (!methods.some(({ name }) => name === CODED)) return []
  const counts = countsWithin({ window: 0, kept: [coded(FEWEST, 1)], rest: 'mean' }, budget, methods)
  if (!counts) return []
  const room = Math.min(MOST, (FEWEST * counts.kept[0]) / budget.tokens)
  const bits = [...new Set(FINER.map((more) => bitsOf(coded(Math.max(FEWEST + 0.5, room + more), 1))))]
  return [
    ...bits.flatMap((own) => RESTS.map((rest): Stack => ({ window: 0, kept: [coded(own, 1)], rest }))),
    { window: 0, kept: [coded(bits[0], BEFORE_CLUSTERS)], rest: 'clusters' },
  ]
}

/** An entropy-coded tier in bits near its own. */
export function codedNear(last: Kept): Kept[] {
  const own = bitsOf(last)
  const near = NEAR.map((more) => coded(own + more, last.share))
  return near.filter((one, i) => bitsOf(one) !== own && near.findIndex((other) => bitsOf(other) === bitsOf(one)) === i)
}
