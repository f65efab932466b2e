import { checkInteger, checkObject, type Method } from '@sublinear/core'
import { checkMetric } from '../metric/metric'
import { isSized, type Kept, type Stack } from './stack'

const MOST_TIERS = 8

/** Checks a stack. @throws TypeError, RangeError where it is malformed, or names a method that is not among `methods` */
export function checkStack(who: string, name: string, stack: Stack, methods: readonly Method[]): void {
  if (!Array.isArray(stack?.kept)) throw new TypeError(`${who}: ${name} must have window, kept and rest`)
  checkInteger(who, `${name}.window`, stack.window, 0, 2 ** 31 - 1)
  const rests = ['none', ...methods.map((method) => method.name)]
  if (!rests.includes(stack.rest))
    throw new RangeError(`${who}: ${name}.rest must be one of ${rests.join(', ')}, got ${String(stack.rest)}`)
  if (stack.kept.length > MOST_TIERS)
    throw new RangeError(`${who}: ${name}.kept must have at most ${MOST_TIERS} tiers, got ${stack.kept.length}`)
  if (stack.kept.length === 0 && stack.window === 0 && stack.rest === 'none')
    throw new RangeError(`${who}: ${name} must hold something`)
  if (stack.dither !== undefined) checkInteger(who, `${name}.dither`, stack.dither, 0)
  if (stack.metric !== undefined) checkMetric(who, `${name}.metric`, stack.metric)
  let sum = 0
  for (const [i, tier] of stack.kept.entries()) sum += checkedShare(who, `${name}.kept[${i}]`, tier, methods)
  const most = isSized(stack) ? 1 - 2 ** -10 : 1 + 2 ** -20 // a tolerance, since 0.3 + 0.7 is not 1 in floating point
  if (sum > most)
    throw new RangeError(
      `${who}: the shares of ${name}.kept must leave ${isSized(stack) ? `some for ${stack.rest}` : 'none below 0'}, got ${sum}`,
    )
}

function checkedShare(who: string, name: string, tier: Kept, methods: readonly Method[]): number {
  const { by, share, keyBits, valueBits } = checkObject(who, tier, name)
  const known = methods.filter((method) => 'tierBytes' in method).map((method) => method.name)
  if (!known.includes(by))
    throw new RangeError(`${who}: ${name}.by must be one of ${known.join(', ')}, got ${String(by)}`)
  if (!(typeof share === 'number' && share > 0 && share <= 1))
    throw new RangeError(`${who}: ${name}.share must be a number in (0, 1], got ${String(share)}`)
  checkInteger(who, `${name}.keyBits`, keyBits, 2, 8)
  checkInteger(who, `${name}.valueBits`, valueBits, 2, 8)
  return share
}
