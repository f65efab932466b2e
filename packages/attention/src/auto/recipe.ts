import { checkInteger, checkScale, type Shape } from '@sublinear/core'
import type { ASKS, PilotErrors } from './pilot'
import { isForScale, isSized, RESTS, SELECTIONS, type Kept, type Stack } from './stack'

const MOST_TIERS = 8

/** A candidate and its errors on the pilot, of which `error` is the mean; null where it does not fit the budget. */
export interface Score extends PilotErrors {
  readonly stack: Stack
  readonly error: number | null
}

/** What `calibrate` found for a head: plain JSON. */
export interface Recipe extends Shape {
  readonly kind: 'recipe'
  readonly version: 2
  /** What it was made for. */
  readonly budgetBytes: number
  readonly tokens: number
  readonly asks: (typeof ASKS)[number]
  /** Tokens of the pilot. */
  readonly pilot: number
  readonly stack: Stack
  readonly error: number
  /** Of every candidate, in the order tried. */
  readonly scores: readonly Score[]
}

/**
 * Refuses what is no recipe for this shape, also one that came as JSON from elsewhere. Scores are a record and not read.
 *
 * @throws TypeError, RangeError with the first field that is wrong
 */
export function checkRecipe(who: string, recipe: Recipe, { d, dv, scale }: Shape): void {
  if (typeof recipe !== 'object' || recipe === null || recipe.kind !== 'recipe' || recipe.version !== 2)
    throw new TypeError(`${who}: recipe must be one that calibrate made, of version 2`)
  for (const [name, want] of Object.entries({ d, dv, scale })) {
    const found = recipe[name as keyof Shape]
    if (found !== want) throw new RangeError(`${who}: recipe must be for ${name} = ${want}, got ${String(found)}`)
  }
  checkStack(who, 'recipe.stack', recipe.stack)
  if (!isForScale(recipe.stack, scale))
    throw new RangeError(`${who}: recipe.stack.rest must not be moments where scale is not above 0, got ${scale}`)
}

/** @throws TypeError, RangeError where a stack is none */
export function checkStack(who: string, name: string, stack: Stack): void {
  if (typeof stack !== 'object' || stack === null || !Array.isArray(stack.kept))
    throw new TypeError(`${who}: ${name} must have window, kept and rest`)
  checkInteger(who, `${name}.window`, stack.window, 0, 2 ** 31 - 1)
  if (!RESTS.includes(stack.rest))
    throw new RangeError(`${who}: ${name}.rest must be one of ${RESTS.join(', ')}, got ${String(stack.rest)}`)
  if (stack.kept.length > MOST_TIERS)
    throw new RangeError(`${who}: ${name}.kept must have at most ${MOST_TIERS} tiers, got ${stack.kept.length}`)
  if (stack.kept.length === 0 && stack.window === 0 && stack.rest === 'none')
    throw new RangeError(`${who}: ${name} must hold something`)
  let sum = 0
  for (const [i, tier] of stack.kept.entries()) sum += checkedShare(who, `${name}.kept[${i}]`, tier)
  const most = isSized(stack) ? 1 - 2 ** -10 : 1 + 2 ** -20 // 0.3 + 0.7 is not 1
  if (sum > most)
    throw new RangeError(
      `${who}: the shares of ${name}.kept must leave ${isSized(stack) ? `some for ${stack.rest}` : 'none below 0'}, got ${sum}`,
    )
}

function checkedShare(who: string, name: string, tier: Kept): number {
  if (typeof tier !== 'object' || tier === null)
    throw new TypeError(`${who}: ${name} must have by, share, keyBits and valueBits`)
  const { by, share, keyBits, valueBits } = tier
  if (!SELECTIONS.includes(by))
    throw new RangeError(`${who}: ${name}.by must be one of ${SELECTIONS.join(', ')}, got ${String(by)}`)
  if (!(typeof share === 'number' && share > 0 && share <= 1))
    throw new RangeError(`${who}: ${name}.share must be a number in (0, 1], got ${String(share)}`)
  checkInteger(who, `${name}.keyBits`, keyBits, 2, 8)
  checkInteger(who, `${name}.valueBits`, valueBits, 2, 8)
  return share
}

/** @throws TypeError, RangeError where a budget or a length is none */
export function checkBudget(
  who: string,
  budget: Shape & { readonly budgetBytes: number; readonly tokens: number },
): void {
  checkInteger(who, 'd', budget.d, 1)
  checkInteger(who, 'dv', budget.dv, 1)
  checkScale(who, budget.scale)
  checkInteger(who, 'budgetBytes', budget.budgetBytes, 1)
  checkInteger(who, 'tokens', budget.tokens, 1)
}
