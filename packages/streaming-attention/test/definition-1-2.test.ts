// Definition 1.2: one pass over Q, K, V in o(n) memory. What is held as n grows, with Φ sized for n, against Q, K and V themselves; and
// that one pass is one: the same rows in a one-shot iterator. Kills: a state that grows with what is pushed, a Φ that grows as n does.
import { random } from '@sublinear/laws'
import type { Matrix } from '@sublinear/core'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'
import { describe, expect, it } from 'vitest'
import { onePass } from '../src'

const [d, dv, k] = [4, 4, 16]
const features = taylorFeatures({ d, degree: 4, scale: 1 / d })
const make = (n: number) =>
  onePass({
    features,
    dv,
    psi: osnap({ m: 1024, nonzeros: 8, seed: 1 }),
    phi: sparseRecovery({ n, k, epsilon: 0.5, seed: 2 }),
  })

const stored = (n: number) => 4 * n * (2 * d + dv)

describe('Definition 1.2', () => {
  it('memory grows by a level of Φ where n grows 16-fold, and passes below Q, K and V near n = 16 000', () => {
    const sizes = [2 ** 16, 2 ** 20, 2 ** 24, 2 ** 28].map((n) => make(n).bytes)
    const level = 4 * features.t * 6 * (4 * k) * 2 // 2 trees of 3 rows of ⌈4k/ε⌉ counters, each a row of sk(D⁻¹U₁)
    for (const [i, size] of sizes.entries()) if (i > 0) expect(Math.abs(size - sizes[i - 1] - level)).toBeLessThan(2000)
    expect(make(2 ** 13).bytes).toBeGreaterThan(stored(2 ** 13))
    expect(make(2 ** 14).bytes).toBeLessThan(stored(2 ** 14))
    expect(make(2 ** 28).bytes).toBeLessThan(stored(2 ** 28) / 8000)
  })

  it('does not grow with what is pushed, in one pass over rows that are gone afterwards', () => {
    const n = 2 ** 17
    const stream = make(n)
    const before = stream.bytes
    function* rows(seed: number): Generator<Matrix> {
      for (let i = 0; i < n; i += 4096) yield random(4096, d, seed + i)
    }
    for (const block of rows(1)) stream.pushValues(block)
    for (const block of rows(2)) stream.pushKeys(block)
    for (const block of rows(3)) stream.pushQueries(block)
    expect(stream.bytes).toBe(before)
    expect([stream.values, stream.keys, stream.queries]).toEqual([n, n, n])
    expect(stream.columns().every(({ indices }) => indices.length <= k)).toBe(true)
  })
})
