// Attention with features over plain arrays, other numbers in every call, against float64. Kills: values or keys of an earlier call that lie where those of this one should, a row that is
// counted before it sees a key, log weights subtracted, a distance from the wrong place, tiles of 256 keys whose second is the first.
import { emptyPartial, type PartialSoftmax } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { expect, it } from 'vitest'
import { normalise, shapedAttend, type Scored, type Sight } from '../src'

const [d, dv] = [4, 3]

/** Answers in float64: row r sees from(r) … end(r) − 1. */
function byDefinition({ scale, softcap, slope }: Scored, queries: Float32Array, keys: Float32Array, values: Float32Array, bias: Float32Array | undefined, sight: Sight, rows: number, width: number) {
  return Array.from({ length: rows }, (_, r) => {
    const out = new Float64Array(width)
    let mass = 0
    for (let j = Math.max(0, sight.from(r)); j < Math.min(keys.length / d, sight.end(r)); j++) {
      let score = 0
      for (let c = 0; c < d; c++) score += scale * queries[r * d + c] * keys[j * d + c]
      if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
      if (slope !== undefined) score -= (Array.isArray(slope) ? slope[r % slope.length] : (slope as number)) * (sight.place(r) - j) // prettier-ignore
      const share = Math.exp(score + (bias?.[j] ?? 0))
      mass += share
      for (let c = 0; c < width; c++) out[c] += share * values[j * width + c]
    }
    return [...out].map((x) => (mass > 0 ? x / mass : 0))
  }).flat()
} // prettier-ignore

const FEATURES: readonly (readonly [string, Partial<Scored>])[] = [
  ['plain scores', {}],
  ['capped scores', { softcap: 1.5 }],
  ['a slope', { slope: 0.05 }],
  ['a slope for each of two heads, and a cap', { slope: [0.2, 0.01], softcap: 3 }],
]
it.each(FEATURES)('%s are those of the definition, whatever was asked before', (_, features) => {
  for (const [i, [count, rows, window]] of ([[3, 2, 9], [300, 70, 40], [256, 64, 300], [257, 3, 9], [600, 130, 520], [64, 1, 64], [300, 70, 40]] as const).entries())
    for (const weighted of [false, true])
      for (const inKeys of [false, true]) {
        const seed = 10 * i + (weighted ? 5 : 0)
        const shape: Scored = { d, dv, scale: 0.8, ...features }
        const [queries, keys] = [random(rows, d, seed + 1, 2).data, random(count, d, seed + 2, 2).data]
        const values = inKeys ? undefined : random(count, dv, seed + 3).data
        const own = values ?? Float32Array.from({ length: count * dv }, (_, at) => keys[Math.floor(at / dv) * d + (at % dv)]) // prettier-ignore
        const bias = weighted ? random(count, 1, seed + 4).data : undefined
        const place = (row: number) => Math.floor(((row + 1) * count) / rows) - 1
        const sight: Sight = { from: (row) => place(row) - window + 1, end: (row) => place(row) + 1, place }
        const partial = emptyPartial(rows, dv)
        shapedAttend(shape, queries, { keys, ...(values && { values }), ...(bias && { bias }), count }, sight, partial)
        const wanted = byDefinition(shape, queries, keys, own, bias, sight, rows, dv)
        for (const [at, x] of normalise(partial).data.entries()) expect(Math.abs(x - wanted[at])).toBeLessThan(1e-5)
      }
}) // prettier-ignore

it('goes on with a partial, and leaves rows that see nothing as they were', () => {
  const [queries, keys, values] = [random(3, d, 1).data, random(90, d, 2).data, random(90, dv, 3).data]
  for (const softcap of [undefined, 2]) {
    const shape: Scored = { d, dv, scale: 0.8, ...(softcap !== undefined && { softcap }) }
    const everything: Sight = { from: () => 0, end: () => 90, place: () => 89 }
    const [whole, parts] = [emptyPartial(3, dv), emptyPartial(3, dv)]
    shapedAttend(shape, queries, { keys, values, count: 90 }, everything, whole)
    for (const [from, to] of [[0, 50], [50, 90]] as const)
      shapedAttend(shape, queries, { keys: keys.subarray(from * d, to * d), values: values.subarray(from * dv, to * dv), count: to - from }, { from: () => 0, end: () => to - from, place: () => 89 - from }, parts) // prettier-ignore
    const [a, b] = [whole, parts].map((one) => normalise(one).data)
    for (const [i, x] of a.entries()) expect(Math.abs(x - b[i])).toBeLessThan(1e-6)
    const before: PartialSoftmax = { max: whole.max.slice(), mass: whole.mass.slice(), sum: { ...whole.sum, data: whole.sum.data.slice() } } // prettier-ignore
    shapedAttend(shape, queries, { keys, values, count: 90 }, { from: () => 95, end: () => 99, place: () => 98 }, whole)
    expect(whole).toEqual(before)
  } // prettier-ignore
})

it('is asked with a partial', () => {
  const sight: Sight = { from: () => 0, end: () => 1, place: () => 0 }
  const none = { keys: new Float32Array(d), values: new Float32Array(dv), count: 1 }
  for (const partial of [undefined, null])
    expect(() => shapedAttend({ d, dv, scale: 1 }, new Float32Array(d), none, sight, partial as never)).toThrow(/^shapedAttend: partial must be an object/) // prettier-ignore
})
