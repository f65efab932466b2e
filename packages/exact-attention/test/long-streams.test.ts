// Streams of many thousand tokens against float64. Kills: pages that continue one float32 sum (2e-5 and more here), a page joined to another segment,
// places that are not moved with the segment, an answer that depends on how the stream was cut.
import { matrix, rowsOf, type Shape } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { exactAttention, exactStream, normalise } from '../src'

const n = 2 ** 18 + 100
const keys = matrix(
  n,
  1,
  Float32Array.from({ length: n }, (_, i) => 0.3 + i / n / 8),
)
const values = matrix(
  n,
  1,
  Float32Array.from({ length: n }, (_, i) => 0.1 + i / n / 8),
)
const queries = matrix(2, 1, Float32Array.of(0.7, -1))
const shape: Shape = { d: 1, dv: 1, scale: 1 }

function truth(
  query: number,
  { softcap, slope = 0, window = n }: Pick<Partial<Shape>, 'softcap' | 'slope' | 'window'>,
): number {
  let [mass, sum] = [0, 0]
  for (let j = n - window; j < n; j++) {
    let score = query * keys.data[j]
    if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
    const share = Math.exp(score - (slope as number) * (n - 1 - j))
    mass += share
    sum += share * values.data[j]
  }
  return sum / mass
}

describe.each<[string, Omit<Partial<Shape>, 'values'>]>([
  ['plain', {}],
  ['softcap', { softcap: 2 }],
  ['slope', { slope: 1e-6 }],
  ['window', { window: 60_000 }],
])('a long stream, %s', (_, head) => {
  const stream = exactStream({ ...shape, ...head })
  const step = 50_000
  for (let at = 0; at < n; at += step)
    stream.push({ keys: rowsOf(keys, at, Math.min(n, at + step)), values: rowsOf(values, at, Math.min(n, at + step)) })
  const got = stream.attend(queries)
  const whole = exactAttention({ queries, keys, values, scale: shape.scale, ...head })

  it('is within 1e-5 of float64, as a stream and in one call', () => {
    for (const [r, query] of queries.data.entries()) {
      expect(Math.abs(normalise(got).data[r] / truth(query, head) - 1)).toBeLessThan(1e-5)
      expect(Math.abs(whole.data[r] / truth(query, head) - 1)).toBeLessThan(1e-5)
    }
  })

  it('has the same bits however it is cut', () => {
    using other = exactStream({ ...shape, ...head })
    for (let at = 0; at < n; at += 7777) {
      const end = Math.min(n, at + 7777)
      other.push({ keys: rowsOf(keys, at, end), values: rowsOf(values, at, end) })
    }
    expect(other.attend(queries)).toEqual(got)
  })
})
