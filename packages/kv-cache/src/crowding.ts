import { checkFinite, emptyPartial, schema, type Matrix, type PartialSoftmax } from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'
import type { HeldTokens } from '@sublinear/token-store'

/** Checks the power of a crowd: a number from 0 to 1. @throws TypeError, RangeError when it is none */
export function checkCrowd(who: string, crowd: number): void {
  checkFinite(who, 'crowd', crowd)
  if (crowd < 0 || crowd > 1) throw new RangeError(`${who}: crowd must be from 0 to 1, got ${crowd}`)
}

/** Schema of the power of a crowd; present where a crowd counts for less. */
export const crowdSchema = schema({ parameters: { crowd: { least: 0, most: 1, absent: 1 } } })

/**
 * Continues partials over all tokens held, of which a crowd counts for less. In a query's softmax over the tokens held, n = mass / e^max says how many of them
 * share it. Their mass is made n^crowd · e^max, and the shares stay as they are: one token that stands out counts in full, n equal ones for n^crowd.
 *
 * @param inOrder  whether a row's bits are the same however many rows there are; crowd  from 0 to 1, where 1 changes nothing
 */
export function attendCrowd(
  held: HeldTokens,
  queries: Matrix,
  out: PartialSoftmax,
  inOrder: boolean,
  crowd: number,
): void {
  const own = emptyPartial(queries.rows, out.sum.cols)
  held.attend(queries, own, undefined, inOrder)
  for (const [r, mass] of own.mass.entries()) if (mass > 0) own.max[r] -= (1 - crowd) * Math.log(mass)
  addPartial(out, own)
}
