import { checkInteger } from '@sublinear/core'

/**
 * Tests whether two methods differ: the probability that of the questions that exactly one of two equal methods answers, the second answers so many or more.
 * Source: McNemar (1947), the exact one-sided binomial test. Questions must be independent; where several share a text, see signFlips.
 *
 * Guarantee: exact to a relative 1e-12 for up to 10^5 questions.
 *
 * @param firstOnly, secondOnly  numbers of questions that only this one answered rightly, ≥ 0
 * @returns P(X ≥ secondOnly), X of firstOnly + secondOnly fair coins; small where the second is better. 1 where they never differ.
 * @throws TypeError, RangeError when a count is no integer ≥ 0
 */
export function mcnemar({
  firstOnly,
  secondOnly,
}: {
  readonly firstOnly: number
  readonly secondOnly: number
}): number {
  checkInteger('mcnemar', 'firstOnly', firstOnly, 0)
  checkInteger('mcnemar', 'secondOnly', secondOnly, 0)
  const n = firstOnly + secondOnly
  let term = -n * Math.LN2 // log of the probability of n heads, then of one head fewer, down to secondOnly
  let total = 0
  for (let heads = n; heads >= secondOnly; heads--) {
    total += Math.exp(term)
    term += Math.log(heads) - Math.log(n - heads + 1)
  }
  return Math.min(1, total)
}

/**
 * Tests whether two methods differ where questions share a text: for equal methods, the difference of each text may have either sign.
 * Source: Fisher's randomization test of paired differences, exact. With one question for each text it is mcnemar.
 *
 * Guarantee: exact to rounding; texts must be independent, their questions need not be.
 * Cost: O(texts · Σ|difference|).
 *
 * @param differences  for each text: questions that the second answered rightly, minus those that the first did; integers
 * @returns P(Σ ±|difference| ≥ Σ difference) over fair signs; small where the second is better
 * @throws TypeError, RangeError when one is no integer
 */
export function signFlips(differences: readonly number[]): number {
  for (const [i, difference] of differences.entries())
    checkInteger('signFlips', `differences[${i}]`, difference, Number.MIN_SAFE_INTEGER)
  const most = differences.reduce((sum, difference) => sum + Math.abs(difference), 0)
  let chance = new Float64Array(2 * most + 1) // chance of a sum s, at index s + most
  chance[most] = 1
  for (const step of differences.map(Math.abs)) {
    const next = new Float64Array(chance.length)
    for (const [at, p] of chance.entries()) {
      if (p === 0) continue
      next[at + step] += p / 2
      next[at - step] += p / 2
    }
    chance = next
  }
  const sum = differences.reduce((total, difference) => total + difference, 0)
  return Math.min(
    1,
    chance.subarray(sum + most).reduceRight((total, p) => total + p, 0),
  )
}
