// Moments of first order against float64 and closed forms. Kills: a covariance of sums where it is of means, the scale left out of the shift, means of unweighted tokens,
// a merge that forgets the distance of the means, keys and values transposed, a value outside those seen, an error that does not fall as the square of the query.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { firstOrderStream, restoreFirstOrderStream } from '../src'

const [d, dv, scale] = [3, 2, 0.5]
const shape = { d, dv, scale }

/** v̄ + s·Cq of weighted tokens, in float64, within the values seen. */
function shifted(keys: Matrix, values: Matrix, weights: Float32Array, q: Float32Array): number[] {
  const rows = Array.from({ length: keys.rows }, (_, r) => r)
  const total = rows.reduce((sum, r) => sum + weights[r], 0)
  const mean = (of: (r: number) => number) => rows.reduce((sum, r) => sum + weights[r] * of(r), 0) / total
  const score = (r: number) => scale * q.reduce((sum, x, c) => sum + x * keys.data[r * d + c], 0)
  const centre = mean(score)
  return [0, 1].map((c) => {
    const value = (r: number) => values.data[r * dv + c]
    const wanted = mean(value) + mean((r) => (score(r) - centre) * (value(r) - mean(value)))
    return Math.min(Math.max(...rows.map(value)), Math.max(Math.min(...rows.map(value)), wanted))
  })
}

const floats = (data: Float32Array) => ({ dtype: 'F32' as const, shape: [data.length], data })

describe('firstOrderStream', () => {
  test.prop([fc.integer({ min: 2, max: 200 }), fc.nat(), fc.boolean(), fc.constantFrom(0, 300)], {
    seed: 1,
    numRuns: 60,
  })('answers with the mean value and its covariance with the score', (n, seed, weighted, far) => {
    const keys = matrix(
      n,
      d,
      random(n, d, seed).data.map((x) => far + x),
    )
    const values = random(n, dv, seed + 1)
    const weights = weighted ? random(n, 1, seed + 2).data.map((x) => 1.5 + x) : new Float32Array(n).fill(1)
    const stream = firstOrderStream({ ...shape, buffer: 1 })
    stream.push({ keys, values, weights })
    stream.push({ keys: rowsOf(keys, 0, 1), values: matrix(1, dv), weights: Float32Array.of(1e-9) }) // held, and next to nothing
    const queries = random(5, d, seed + 3)
    const got = normalise(stream.attend(queries)).data
    for (let r = 0; r < 5; r++) {
      const wanted = shifted(keys, values, weights, rowsOf(queries, r, r + 1).data)
      for (const c of [0, 1]) expect(got[r * dv + c]).toBeCloseTo(wanted[c], far > 0 ? 2 : 4)
    }
  })

  it('errs as the square of the query towards 0, where a mean token errs as the query', () => {
    const [n, keys, values] = [400, random(400, d, 5), random(400, dv, 6)]
    const stream = firstOrderStream(shape)
    stream.push({ keys, values })
    const error = (size: number) => {
      const queries = matrix(
        9,
        d,
        random(9, d, 7).data.map((x) => size * x),
      )
      const exact = softmaxOracle(queries, keys, values, scale, () => n)
      return distance(normalise(stream.attend(queries)).data, exact)
    }
    expect(error(0.4) / error(0.2)).toBeGreaterThan(3)
    expect(error(0.4) / error(0.2)).toBeLessThan(5)
  })

  it('merges to the moments of all, wherever the parts lie', () => {
    const parts = [0, 40].map((far, i) => ({
      keys: matrix(
        90,
        d,
        random(90, d, i).data.map((x) => far + x),
      ),
      values: matrix(
        90,
        dv,
        random(90, dv, 9 + i).data.map((x) => x - far),
      ),
    }))
    const [whole, one, other] = [1, 2, 3].map(() => firstOrderStream({ ...shape, buffer: 1 }))
    for (const part of parts) whole.push(part)
    one.push(parts[0])
    other.push(parts[1])
    one.merge(other)
    const queries = matrix(
      5,
      d,
      random(5, d, 3).data.map((x) => 0.02 * x),
    )
    expect(distance(normalise(one.attend(queries)).data, normalise(whole.attend(queries)).data)).toBeLessThan(1e-3)
  })

  it('no query brings an answer out of the values seen, nor a number that is none', () => {
    const stream = firstOrderStream(shape)
    stream.push({ keys: random(100, d, 1, 2 ** 20), values: random(100, dv, 2) })
    for (const size of [1, 2 ** 20, 2 ** 49]) {
      const got = normalise(stream.attend(random(8, d, 3, size))).data
      for (const x of got) expect(Math.abs(x)).toBeLessThanOrEqual(1)
    }
  })

  const stream = firstOrderStream(shape)
  stream.push({ keys: random(40, d, 1), values: random(40, dv, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const all = Object.fromEntries(tensors)
  it.each<[string, Record<string, string>, typeof all]>([
    ['weight', { weight: '-1' }, {}],
    ['weight', { weight: '1e300' }, {}],
    ['buffer', { buffer: '65' }, {}],
    ['covariance', {}, { cross: { ...floats(new Float32Array(d * dv).fill(NaN)), shape: [d, dv] } }],
    ['least value', {}, { low: floats(Float32Array.of(9, 9)) }],
    ['greatest value', {}, { high: floats(Float32Array.of(-9, Infinity)) }],
    ['width', {}, { low: floats(new Float32Array(3)) }],
  ])('a snapshot with another %s is refused', (_, change, other) => {
    const bytes = encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, ...change },
      tensors: { ...all, ...other },
    })
    expect(() => restoreFirstOrderStream(bytes)).toThrow(RangeError)
  })
})
