// Positivity of a polynomial on the whole line, which decides what minimax maps fall back to. Truth: polynomials made from their roots.
// Kills: only one side tried, the ends or infinity left out, an odd degree accepted, a margin that a double root passes.
import { describe, expect, it } from 'vitest'
import { isPositive } from '../src/positivity'

/** Coefficients of ∏(s² − 2·re·s + re² + im²), lowest first. */
const fromPairs = (pairs: readonly (readonly [number, number])[]) => {
  let p = [1]
  for (const [re, im] of pairs) {
    const factor = [re * re + im * im, -2 * re, 1]
    const next = Array.from({ length: p.length + 2 }, () => 0)
    for (const [i, a] of p.entries()) for (const [j, b] of factor.entries()) next[i + j] += a * b
    p = next
  }
  return p
}

describe('isPositive', () => {
  it.each([
    { pairs: [] },
    { pairs: [[0, 1]] },
    { pairs: [[-5, 0.1]] },
    { pairs: [[40, 1]] },
    {
      pairs: [
        [-3, 0.2],
        [3, 0.2],
        [0, 1],
      ],
    },
    {
      pairs: [
        [-30, 2],
        [1, 0.05],
        [-1, 4],
      ],
    },
  ])('holds for complex roots $pairs', ({ pairs }) => {
    expect(isPositive(fromPairs(pairs as [number, number][]))).toBe(true)
  })

  it.each([
    { p: [0] },
    { p: [-1] },
    { p: [1, 1] },
    { p: [1, 2, 1] },
    { p: [1, -2, 1] },
    { p: fromPairs([[2, 1]]).map((c, j) => c - [0, 1.5, 0][j]) },
    { p: [1, 0, -1e-9] },
    { p: [1, 1, 0.5, 1 / 6] },
    { p: [-1e-7, 1, 1] },
    { p: fromPairs([[-3, 1e-4]]) },
  ])('fails for $p: a real root, an odd degree, or too little above 0 for float32', ({ p }) => {
    expect(isPositive(p)).toBe(false)
  })

  it('holds for every even Taylor polynomial up to degree 20, no odd one', () => {
    const p = [1]
    for (let j = 1; j <= 20; j++) {
      p.push(p[j - 1] / j)
      expect(isPositive(p), `degree ${j}`).toBe(j % 2 === 0)
    }
  })
})
