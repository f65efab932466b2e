// One token for all, against closed forms and float64. Kills: the weight left out of the level (log mass off by log N), scale left out,
// keys and values swapped, means of unweighted tokens, an unnormalised sum, a level rounded without its rest (1e-4 at a level of 10³),
// a buffer folded that should be held.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { meanStream, restoreMeanStream } from '../src'

describe('meanStream', () => {
  test.prop(
    [fc.integer({ min: 1, max: 200 }), fc.constantFrom(1, 16, 40), fc.nat(), fc.boolean(), fc.constantFrom(0, 300)],
    {
      seed: 1,
      numRuns: 60,
    },
  )('is softmax over one heavy token and those in the buffer', (n, buffer, seed, weighted, far) => {
    const shape = { d: 3, dv: 2, scale: 0.5 }
    const keys = matrix(
      n,
      3,
      random(n, 3, seed).data.map((x) => far + x),
    )
    const values = random(n, 2, seed + 1)
    const weights = weighted ? random(n, 1, seed + 2).data.map((x) => 1.5 + x) : new Float32Array(n).fill(1)
    const stream = meanStream({ ...shape, buffer })
    stream.push({ keys, values, weights })
    const folded = Math.floor((n - 1) / buffer) * buffer
    const queries = random(5, 3, seed + 3)
    const { max, mass, sum } = stream.attend(queries)
    for (let r = 0; r < 5; r++) {
      const q = rowsOf(queries, r, r + 1).data
      const score = (key: (c: number) => number) => [0, 1, 2].reduce((total, c) => total + 0.5 * q[c] * key(c), 0)
      const weightOf = (i: number) => weights[i]
      const part = Array.from({ length: folded }, (_, i) => i)
      const total = part.reduce((w, i) => w + weightOf(i), 0)
      const mean = (of: (i: number) => number) => part.reduce((w, i) => w + weightOf(i) * of(i), 0) / total
      const tokens = Array.from({ length: n - folded }, (_, i) => ({
        level: Math.log(weightOf(folded + i)) + score((c) => keys.data[(folded + i) * 3 + c]),
        value: [0, 1].map((c) => values.data[(folded + i) * 2 + c]),
      }))
      if (folded > 0)
        tokens.push({
          level: Math.log(total) + score((c) => mean((i) => keys.data[i * 3 + c])),
          value: [0, 1].map((c) => mean((i) => values.data[i * 2 + c])),
        })
      const top = Math.max(...tokens.map(({ level }) => level))
      const wanted = tokens.reduce((w, { level }) => w + Math.exp(level - top), 0)
      expect(max[r] + Math.log(mass[r])).toBeCloseTo(top + Math.log(wanted), far > 0 ? 3 : 5)
      for (const c of [0, 1]) {
        const value = tokens.reduce((v, one) => v + Math.exp(one.level - top) * one.value[c], 0) / wanted
        expect(sum.data[r * 2 + c] / mass[r]).toBeCloseTo(value, far > 0 ? 3 : 5)
      }
    }
  })

  it('is exact where all keys are equal, and never above the truth in mass', () => {
    const values = random(100, 2, 3)
    const same = meanStream({ d: 2, dv: 2, scale: 1 })
    same.push({ keys: matrix(100, 2, new Float32Array(200).fill(0.25)), values })
    const queries = random(7, 2, 4)
    const exact = softmaxOracle(queries, matrix(100, 2), values, 1, () => 100)
    for (const [i, x] of normalise(same.attend(queries)).data.entries()) expect(x).toBeCloseTo(exact[i], 5)
    const keys = random(101, 2, 5)
    const spread = meanStream({ d: 2, dv: 2, scale: 1, buffer: 1 })
    spread.push({ keys, values: random(101, 2, 3) })
    const { max, mass } = spread.attend(queries)
    for (let r = 0; r < 7; r++) {
      let truth = 0
      for (let i = 0; i < 101; i++)
        truth += Math.exp(queries.data[2 * r] * keys.data[2 * i] + queries.data[2 * r + 1] * keys.data[2 * i + 1])
      expect(max[r] + Math.log(mass[r])).toBeLessThan(Math.log(truth) - 1e-3)
    }
  })

  it.each([
    [{ d: 0, dv: 1, scale: 1 }, 'meanStream: d must be an integer >= 1, got 0'],
    [{ d: 1, dv: 0, scale: 1 }, 'meanStream: dv must be an integer >= 1, got 0'],
    [{ d: 1, dv: 1, scale: NaN }, 'meanStream: scale must be a finite number, got NaN'],
    [{ d: 1, dv: 1, scale: 1, buffer: 0 }, 'meanStream: buffer must be an integer from 1 to 64, got 0'],
  ])('%o is refused', (options, message) => {
    expect(() => meanStream(options)).toThrow(message)
  })

  const stream = meanStream({ d: 2, dv: 3, scale: 1 })
  stream.push({ keys: random(40, 2, 1), values: random(40, 3, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (change: Record<string, string>, mean = tensors.get('mean')!.data as Float64Array) =>
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, ...change },
      tensors: { ...Object.fromEntries(tensors), mean: { dtype: 'F64', shape: [mean.length], data: mean } },
    })
  it.each<[string, Uint8Array]>([
    ['d', made({ d: '3' })],
    ['d', made({ d: '1e99' })],
    ['buffer', made({ buffer: '1e9' })],
    ['buffer', made({ buffer: '2' })],
    ['weight', made({ weight: '-1' })],
    ['weight', made({ weight: 'much' })],
    ['tokens', made({ tokens: '3' })],
    ['mean', made({}, new Float64Array(5).fill(NaN))],
    ['width', made({}, new Float64Array(4))],
  ])('a snapshot with another %s is refused', (_, bytes) => {
    expect(() => restoreMeanStream(bytes)).toThrow(RangeError)
  })
  it('one that fits is taken', () => {
    expect(restoreMeanStream(made({})).toBytes()).toEqual(stream.toBytes())
  })
})
