import { checkFinite, checkInteger, checkObject } from '@sublinear/core'

export interface AdaOptions {
  /** Tokens kept in a head, on average, with the window. */
  readonly count: number
  /** Tokens that every head keeps beside those that are scored, as the window of snapKv. Default 0. */
  readonly window?: number | undefined
  /** The share of the average budget beyond the window that every head gets. Default 0.2, as in kvpress. */
  readonly safeguard?: number | undefined
}

/**
 * Shares a budget between the heads of a layer: says how many tokens each keeps.
 * Source: Feng et al., Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation for Efficient LLM Inference (2024). A head's share is how
 *   many of the heads · (count − window) largest scores of all heads are its own; of equals, the earlier head's count first. The safeguard mixes the share
 *   with the average, as in the authors' code. Deviation: budgets are rounded down, and the tokens left over go to the largest remainders, so that the
 *   budgets add up and none is empty.
 *
 * Guarantee: the budgets add up to heads · count, and each is above `window`.
 * Cost: a sort of all scores.
 *
 * @param scores  for each head, one number for each token that may leave. Scores are compared between heads, so they need one unit, as shares of attention have
 * @returns one integer a head, > window; together heads · count
 * @throws TypeError, RangeError when count ≤ window, safeguard is not from 0 to 1, or there is no head
 */
export function adaKvCounts(scores: readonly Float64Array[], options: AdaOptions): number[] {
  const { count, window = 0, safeguard = 0.2 } = checkObject('adaKvCounts', options)
  checkInteger('adaKv', 'the number of heads', scores.length, 1)
  checkInteger('adaKv', 'window', window, 0)
  checkInteger('adaKv', 'count', count, window + 1)
  checkFinite('adaKv', 'safeguard', safeguard)
  if (safeguard < 0 || safeguard > 1) throw new RangeError(`adaKv: safeguard must be from 0 to 1, got ${safeguard}`)
  const average = count - window
  const total = scores.length * average
  const every = scores.flatMap((own, head) => Array.from(own, (score) => ({ score, head })))
  if (every.length <= total) return scores.map(() => count)

  const shares = scores.map(() => 0)
  for (const { head } of every.toSorted((a, b) => b.score - a.score).slice(0, total)) shares[head]++
  const budgets = shares.map((share) => (1 - safeguard) * share + safeguard * average)
  return rounded(budgets, total).map((beyond) => window + beyond)
}

/** Integers ≥ 1 near the given numbers, which add up to `total`: the numbers with the largest remainders are rounded up. */
function rounded(budgets: readonly number[], total: number): number[] {
  const out = budgets.map((budget) => Math.max(1, Math.floor(budget)))
  let left = total - out.reduce((a, b) => a + b)
  const remainder = (head: number) => budgets[head] - out[head]
  for (const head of [...out.keys()].toSorted((a, b) => remainder(b) - remainder(a))) if (left-- > 0) out[head]++
  for (let lent = out.reduce((a, b) => a + b) - total; lent > 0; lent--) out[out.indexOf(Math.max(...out))]--
  return out
}
