// Theorem A.1 (Alweiss, Liu and Sawhney): the walk keeps every coordinate of its drift within c, but for probability δ. 512 random vectors of one
// length in 8 dimensions, 200 seeds; binomial with δ = 0.1, false alarm below 10⁻⁶. Misses: a tilt without R² below 1e-9 (it fails for 60 of 60 other seeds), any walk that fails
// with probability 0.3, not δ, 0.004 (exact binomial).
// Measured: the largest coordinate is 0.05 to 0.2 of c = 30·ln(m/δ), and less than half as large for the greedy walk.
// Kills: a tilt that forgets R² (norms of 10 then fail). The tilt itself is too small here to be seen: theorem-a-1-tilt.test.ts sees it.
import { mostFailures, random } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { coins } from '../src/halving'
import { greedyWalk, theoryWalk, walkConstant } from '../src/balancing-walks'

const [m, d, delta] = [512, 8, 0.1]

/** Random vectors of one length and their inner products. */
function vectors(seed: number, length: number) {
  const { data } = random(m, d, seed)
  for (let r = 0; r < m; r++) {
    const norm = Math.hypot(...data.subarray(r * d, (r + 1) * d))
    for (let c = r * d; c < (r + 1) * d; c++) data[c] *= length / norm
  }
  const gram = new Float32Array(m * m)
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) for (let c = 0; c < d; c++) gram[i * m + j] += data[i * d + c] * data[j * d + c]
  return { data, gram }
}

/** The largest coordinate of any signed prefix sum. */
function largest(data: Float32Array, signs: Int8Array): number {
  const sum = new Float64Array(d)
  let most = 0
  for (let r = 0; r < m; r++) {
    for (let c = 0; c < d; c++) {
      sum[c] += signs[r] * data[r * d + c]
      most = Math.max(most, Math.abs(sum[c]))
    }
  }
  return most
}

describe('Theorem A.1', () => {
  test.each([1, 10])('prefix sums of vectors of length %i stay within c times it', (length) => {
    const c = walkConstant(m, delta) * length
    const eight = Array.from({ length: 8 }, (_, i) => vectors(i + 1, length))
    let [beyond, failed] = [0, 0]
    const ratios: number[] = []
    for (let seed = 1; seed <= 200; seed++) {
      const { data, gram } = eight[seed % 8]
      const { signs, failures } = theoryWalk(gram, undefined, coins(BigInt(seed), 0, m), delta)
      ratios.push(largest(data, signs) / c)
      if (ratios.at(-1)! > 1) beyond++
      if (failures > 0) failed++
    }
    const most = mostFailures(200, delta, 1e-6)
    expect(beyond).toBeLessThanOrEqual(most)
    expect(failed).toBeLessThanOrEqual(most)
    expect(Math.max(...ratios)).toBeLessThan(0.2)
    expect(Math.max(...ratios)).toBeGreaterThan(0.05)
  })

  test('the greedy walk stays far below both', () => {
    const { data, gram } = vectors(3, 1)
    const luck = coins(1n, 0, m)
    const theory = largest(data, theoryWalk(gram, undefined, luck, delta).signs)
    expect(largest(data, greedyWalk(gram, undefined, luck).signs) / theory).toBeLessThan(0.5)
  })
})
