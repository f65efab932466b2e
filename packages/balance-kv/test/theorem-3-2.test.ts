// Theorem 3.2, a lower bound, and Definition C.2, the problem it is reduced from: exact attention hands back every bit of an index, so no summary
// that answers well can be small. What is tried: the reduction reads n bits from n tokens, a coreset of half of them cannot, and the curve's form.
// Kills: a bound without its minimum, a query that reads its neighbour's bit.
import { matrix, type AttentionStream } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { philox } from '@sublinear/core'
import { describe, expect, test } from 'vitest'
import { balanceKv, balanceKvLeast } from '../src'

const n = 64 // keys: an orthonormal basis, times 8: r² = 64 = d, the most that the premise allows; all others together weigh 63·e^{−8}, 2 %

const at = (epsilon: number, norm: number) => balanceKvLeast({ d: 16, scale: 0.25, norm, epsilon })

describe('Theorem 3.2', () => {
  test('Definition C.2: attention with far keys is an index, and a coreset of half the tokens loses a quarter of its bits', () => {
    const words = new Uint32Array(4)
    const bits = Float32Array.from({ length: n }, (_, i) => {
      philox(words, 1, 0, i, 0, 0, 0)
      return words[0] & 1
    })
    const basis = matrix(n, n)
    for (let i = 0; i < n; i++) basis.data[i * n + i] = 1
    const shape = { d: n, dv: 1, scale: 8 } // keys and queries of norm 1 at 64 times the scale 1/√64
    const wrong = (stream: AttentionStream) => {
      stream.push({ keys: basis, values: matrix(n, 1, bits) })
      const read = normalise(stream.attend(basis)).data
      return read.reduce((count, x, i) => count + (Math.abs(x - bits[i]) < 0.4 ? 0 : 1), 0)
    }
    expect(wrong(exactStream(shape))).toBe(0)
    const budget = 4 * (n + 3) * (n / 2 + 1) + 200
    const misses = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => wrong(balanceKv({ ...shape, seed, budget })))
    for (const missed of misses) expect(missed).toBeGreaterThan(n / 8)
  })

  test('the curve is the smaller of 1/ε² and d·e^{2R}', () => {
    expect(at(0.5, 2).least).toBe(4)
    expect(at(0.001, 2).least).toBeCloseTo(16 * Math.exp(2), 9)
    expect(at(0.1, 4).premise).toBe(true)
    expect(at(0.1, 4.01).premise).toBe(false)
    expect(() => at(0, 1)).toThrow('balanceKvLeast: epsilon must be a finite number > 0, got 0')
  })
})
