// The search for the monomials of an anisotropic map. Truth: a brute-force search. Kills: √e! left out of the score, a search that leaves
// a divisor behind.
import { describe, expect, it } from 'vitest'
import { bestMonomials } from '../src/monomial-search'
import { factorial } from './anisotropic-maps'

const scoreOf = (w: readonly number[], e: readonly number[]) =>
  e.reduce((score, p, i) => (score * w[i] ** p) / Math.sqrt(factorial(p)), 1)

const exponentsOf = (w: readonly number[], t: number, degree: number) => {
  const { parents, coordinates } = bestMonomials(w, t, degree)
  const out: number[][] = []
  for (let f = 0; f < parents.length; f++)
    out.push(f === 0 ? w.map(() => 0) : out[parents[f]].map((p, i) => p + (i === coordinates[f] ? 1 : 0)))
  return out
}

describe('bestMonomials', () => {
  const all = (d: number, degree: number): number[][] =>
    d === 0
      ? [[]]
      : Array.from({ length: degree + 1 }, (_, e) => all(d - 1, degree - e).map((rest) => [e, ...rest])).flat()

  it.each([
    [[0.9, 0.5, 0.2], 40, 8],
    [[0.7, 0.69, 0.1, 0.05], 100, 7],
    [[1, 1, 1], 84, 6],
    [[0.3], 9, 20],
  ])('of weights %o up to 1 are the %i of highest score', (w, t, degree) => {
    const sorted = all(w.length, degree)
      .map((e) => scoreOf(w, e))
      .toSorted((a, b) => b - a)
    const scores = exponentsOf(w, t, degree).map((e) => scoreOf(w, e))
    const ascending = scores.toSorted((a, b) => b - a)
    for (let f = 0; f < t; f++) expect(Math.abs(ascending[f] - sorted[f])).toBeLessThan(1e-12 * sorted[f])
  })

  it('of weights above 1 each are the best of those whose divisors are there', () => {
    const w = [3, 1.7, 1.2, 0.4]
    const chosen = exponentsOf(w, 300, 12)
    const names = new Set<string>()
    const candidates = all(4, 12)
    for (const e of chosen) {
      const open = candidates.filter(
        (c) =>
          !names.has(c.join()) &&
          c.every((p, i) => p === 0 || names.has(c.map((x, j) => x - (i === j ? 1 : 0)).join())),
      )
      const best = Math.max(...open.map((c) => scoreOf(w, c)))
      expect(scoreOf(w, e)).toBeGreaterThan(best * (1 - 1e-12))
      names.add(e.join())
    }
  })

  it('ends where the degree does', () => {
    expect(bestMonomials([1, 1], 100, 2).parents.length).toBe(6)
    expect(bestMonomials([0, 0, 0], 4, 20).parents.length).toBe(4)
  })
})
