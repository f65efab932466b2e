import type { Shape } from '@sublinear/core'

/** Tokens that wait before tiers of a byte budget: those of an eighth of it, from 1 to 64. */
export function bufferWithin(budgetBytes: number, { d, dv }: Shape): number {
  return Math.max(1, Math.min(64, Math.floor(budgetBytes / (8 * 4 * (d + dv)))))
}
