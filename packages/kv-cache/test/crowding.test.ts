// Far keys of which a crowd counts for less, against a float64 softmax written from the definition: their mass is n^crowd · e^max, n = mass / e^max. Kills: 1 − crowd for
// crowd, a mass taken relative to another score than the greatest, shares that change, waiting tokens or other tiers that count for less too, a power that a snapshot
// or a fork forgets, bars of what is off by more than they say, 1 that changes a bit.
import { matrix, rowsOf, type KvBlock, type Matrix } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { farKeys, restoreFarKeys, tiers, window, type TokenTier } from '../src'

const [d, dv, n, near, far] = [6, 4, 400, 30, 50]
const shape = { d, dv, scale: 0.5 }
const all: KvBlock = { keys: random(n, d, 1, 1.5), values: random(n, dv, 2) }
const queries = random(7, d, 3, 1.5)

const read = (crowd: number | undefined) => {
  const stream = tiers({ ...shape, parts: [window({ count: near }), farKeys({ count: far, crowd })], buffer: 16 })
  stream.push(all)
  return stream
}

/** e^score of every token of a block for a query. */
const masses = ({ keys }: KvBlock, q: number) =>
  Array.from({ length: keys.rows }, (_, r) => {
    let score = 0
    for (let c = 0; c < d; c++) score += queries.data[q * d + c] * keys.data[r * d + c]
    return Math.exp(shape.scale * score)
  })

/** Answers over some tokens in full and others as a crowd. */
function byDefinition(full: readonly KvBlock[], crowded: KvBlock, crowd: number): Float64Array {
  const out = new Float64Array(queries.rows * dv)
  for (let q = 0; q < queries.rows; q++) {
    const own = masses(crowded, q)
    const top = Math.max(...own)
    const count = own.reduce((sum, x) => sum + x, 0) / top
    const counted = [
      ...full.map((block) => [block, masses(block, q)] as const),
      [crowded, own.map((x) => x * count ** (crowd - 1))] as const,
    ]
    const whole = counted.reduce((sum, [, own]) => own.reduce((a, b) => a + b, sum), 0)
    for (const [{ values }, own] of counted)
      for (const [r, x] of own.entries())
        for (let c = 0; c < dv; c++) out[q * dv + c] += (x / whole) * values.data[r * dv + c]
  }
  return out
}

/** The mass of 64 keys of one number as a crowd. */
function massOf(keys: Matrix, query: Matrix): number {
  const tier = farKeys({ count: 64, crowd: 0.5 })({ d: 1, dv: 1, scale: 1 })
  tier.admit({ keys, values: matrix(64, 1) }, true)
  const { mass, max } = tier.attend(query)
  return mass[0] * Math.exp(max[0])
}

function make(crowd?: number): TokenTier {
  const tier = farKeys({ count: far, buffer: 16, crowd })(shape)
  tier.push(all)
  return tier
}

describe('a crowd of far keys', () => {
  it.each([0, 0.4, 0.9])('counts for n^%d of the token that stands out most, and other tokens in full', (crowd) => {
    const stream = read(crowd)
    const [newest, held] = stream.parts.map((part) => (part as TokenTier).read())
    const waiting = n - 16 * Math.floor((n - 1) / 16)
    const last = { keys: rowsOf(all.keys, n - waiting, n), values: rowsOf(all.values, n - waiting, n) }
    const wanted = byDefinition([newest, last], held, crowd)
    for (const rows of [1, 3, 7])
      expect(distance(normalise(stream.attend(rowsOf(queries, 0, rows))).data, wanted.subarray(0, rows * dv))).toBeLessThan(2e-6) // prettier-ignore
    expect(distance(normalise(read(1).attend(queries)).data, wanted)).toBeGreaterThan(0.01)
  })

  it('of tokens that are all alike is n^crowd of them, and a token that stands out is one', () => {
    const query = matrix(1, 1, Float32Array.of(1))
    const alike = matrix(64, 1)
    expect(massOf(alike, query)).toBeCloseTo(8, 5)
    const one = matrix(
      64,
      1,
      Float32Array.from({ length: 64 }, (_, i) => (i === 9 ? 30 : 0)),
    )
    expect(massOf(one, query) / Math.exp(30)).toBeCloseTo(1, 5)
  })

  it('alone answers as other far keys do, and stays after a snapshot and a fork', () => {
    const tier = make(0.3)
    const again = [restoreFarKeys(tier.toBytes()), tier.fork() as TokenTier]
    for (const one of again) {
      expect(one.toBytes()).toEqual(tier.toBytes())
      expect(one.attend(queries)).toEqual(tier.attend(queries))
    }
    expect(make(1).toBytes()).toEqual(make().toBytes())
    expect(make(1).attend(queries)).toEqual(make().attend(queries))
    expect(tier.bytes).toBe(make().bytes)
    expect(tier.errorBars).toBe('a crowd of its tokens counts for less')
    expect(make().errorBars).toBe(true)
  })

  it('before any token has come counts for nothing', () => {
    const stream = tiers({ ...shape, parts: [window({ count: near }), farKeys({ count: far, crowd: 0 })] })
    const exact = exactStream(shape)
    for (const one of [stream, exact]) one.push({ keys: rowsOf(all.keys, 0, 9), values: rowsOf(all.values, 0, 9) })
    expect(distance(normalise(stream.attend(queries)).data, normalise(exact.attend(queries)).data)).toBeLessThan(2e-6)
  })

  it.each([-0.1, 1.1, NaN, '1'])('is refused as %o', (crowd) => {
    expect(() => farKeys({ count: 9, crowd: crowd as number })).toThrow('farKeys: crowd must be')
  })
})
