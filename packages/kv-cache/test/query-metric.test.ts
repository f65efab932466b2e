// The metric of queries. Truth: moments written out in float64. Kills, each tried by hand: the plain metric not mixed in, a share that is not of the trace, a diagonal that is rounded to 0.
import { matrix } from '@sublinear/core'
import { distance, random } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { queryMetric } from '../src'
import { squared } from './metric-heads'

describe('the metric of queries', () => {
  test.each([0, 0.3, 1])('is the mean of q·qᵀ with a share of %f of the plain one', (plain) => {
    const d = 5
    const asked = random(50, d, 11, 2)
    asked.data.forEach((x, i) => (asked.data[i] = x * (1 + 2 * (i % d))))
    const moments = new Float64Array(d * d)
    for (let r = 0; r < 50; r++)
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) moments[i * d + j] += (asked.data[r * d + i] * asked.data[r * d + j]) / 50
    const trace = moments.reduce((sum, x, at) => sum + (at % (d + 1) === 0 ? x : 0), 0)
    const wanted = moments.map((x, at) => ((1 - plain) * x) / trace + (at % (d + 1) === 0 ? plain / d : 0))
    const got = squared(queryMetric({ queries: asked, plain }), d)
    const total = got.reduce((sum, x, at) => sum + (at % (d + 1) === 0 ? x : 0), 0)
    expect(
      distance(
        got.map((x) => x / total),
        wanted,
      ),
    ).toBeLessThan(0.004)
    expect(queryMetric({ moments: matrix(d, d, Float32Array.from(moments)), plain })).toEqual(
      queryMetric({ queries: asked, plain }),
    )
  })

  test('keeps a direction that no query has, by the share of the plain one', () => {
    const one = matrix(2, 2, new Float32Array([1, 0, -3, 0]))
    expect(queryMetric({ queries: one, plain: 1e-6 })).toEqual([127, 0, 1])
    expect(queryMetric({ queries: one, plain: 1 })).toEqual([127, 0, 127])
    expect(() => queryMetric({ queries: one, plain: 0 })).toThrow('queryMetric: the metric must be positive definite')
  })

  test.each<[string, object, string]>([
    ['no queries', { queries: matrix(0, 2) }, 'the trace of the moments must be above 0, got 0'],
    ['queries that are all 0', { queries: matrix(3, 2) }, 'the trace of the moments must be above 0, got 0'],
    ['a query that is no number', { queries: matrix(1, 2, new Float32Array([NaN, 1])) }, 'queries'],
    ['moments that are not square', { moments: matrix(2, 3) }, 'moments'],
    ['moments that are not finite', { moments: matrix(1, 1, new Float32Array([Infinity])) }, 'moments'],
    [
      'moments that are not positive',
      { moments: matrix(2, 2, new Float32Array([1, 3, 3, 1])) },
      'must be positive definite',
    ],
    ['a share above 1', { queries: random(3, 2, 1), plain: 1.5 }, 'plain must be from 0 to 1, got 1.5'],
    ['a share below 0', { queries: random(3, 2, 1), plain: -0.1 }, 'plain must be from 0 to 1'],
  ])('refuses %s', (_, options, message) => {
    expect(() => queryMetric(options)).toThrow(RangeError)
    expect(() => queryMetric(options)).toThrow(message)
  })

  test('takes the symmetric part of moments', () => {
    const [one, same] = [
      [2, 1, 0, 2],
      [2, 0.5, 0.5, 2],
    ].map((data) => matrix(2, 2, new Float32Array(data)))
    expect(queryMetric({ moments: one })).toEqual(queryMetric({ moments: same }))
    expect(queryMetric({ moments: one })).not.toEqual(queryMetric({ moments: matrix(2, 2, new Float32Array([2, 1, 1, 2])) })) // prettier-ignore
  })

  test('refuses neither and both', () => {
    expect(() => queryMetric({})).toThrow(TypeError)
    expect(() => queryMetric({ queries: random(3, 2, 1), moments: random(2, 2, 1) })).toThrow(TypeError)
  })
})
