// What a summary would get wrong stays, against a score in float64 over everything that came. Kills: means of the tokens held alone (what left is forgotten), weights left out,
// keys or values left out of the measure, sums that a snapshot forgets, bytes that leave them out.
import { matrix, rowsOf } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { misfit, misfitMethod } from '../src'

const [n, d, dv, scale] = [600, 4, 3, 0.5]
const shape = { d, dv, scale }
const keys = random(n, d, 1)
const values = random(n, dv, 2)
const block = (from: number, to: number) => ({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })

/** Misfit of every token to all those up to `seen`. */
function measured(seen: number): number[] {
  const off = ({ data }: { readonly data: Float32Array }, cols: number, r: number) => {
    let sum = 0
    for (let c = 0; c < cols; c++) {
      let mean = 0
      for (let i = 0; i < seen; i++) mean += data[i * cols + c] / seen
      sum += (data[r * cols + c] - mean) ** 2
    }
    return sum
  }
  return Array.from({ length: seen }, (_, r) => off(keys, d, r) * Math.sqrt(off(values, dv, r)))
}

/** Places of the tokens held, by their keys. */
const held = (tier: { read(): { readonly keys: { readonly rows: number; readonly data: Float32Array } } }) => {
  const own = tier.read().keys
  return Array.from({ length: own.rows }, (_, r) => {
    for (let i = 0; i < n; i++) if (own.data[r * d] === keys.data[i * d]) return i
    return -1
  }).toSorted((a, b) => a - b)
}

describe('misfit', () => {
  it('keeps the newest quarter, and of the others those of the largest misfit to all that came', () => {
    const tier = misfit({ count: 40 })(shape)
    tier.admit(block(0, 400)) // one selection
    const scores = measured(400)
    const rest = Array.from({ length: 390 }, (_, i) => i).toSorted((a, b) => scores[b] - scores[a])
    const wanted = [...rest.slice(0, 30), ...Array.from({ length: 10 }, (_, i) => 390 + i)]
    expect(held(tier)).toEqual(wanted.toSorted((a, b) => a - b))
    expect(misfitMethod.tierBytes(shape, { count: 40 }, { tokens: 400 }, 0)).toBe(tier.bytes)
  })

  it('remembers what left: the next selection is by the means of all', () => {
    const tier = misfit({ count: 40 })(shape)
    tier.admit(block(0, 400))
    const before = held(tier)
    const again = misfit.open(tier.toBytes())
    for (const one of [tier, again]) one.admit(block(400, 600))
    const scores = measured(600)
    const there = [...before, ...Array.from({ length: 200 }, (_, i) => 400 + i)]
    const rest = there.filter((i) => i < 590).toSorted((a, b) => scores[b] - scores[a])
    const wanted = [...rest.slice(0, 30), ...Array.from({ length: 10 }, (_, i) => 590 + i)]
    expect(held(tier)).toEqual(wanted.toSorted((a, b) => a - b))
    expect(again.toBytes()).toEqual(tier.toBytes())
  })

  it('a token of weight w counts w times', () => {
    // 40 tokens at 0 and one at 3; with the weight of 400 the mean is there, and the others are far from it
    const own = { keys: matrix(41, d), values: matrix(41, dv) }
    own.keys.data.fill(3, 40 * d)
    own.values.data.fill(1, 40 * dv)
    const kept = (weight: number) => {
      const tier = misfit({ count: 3 })(shape) // none is forced
      const weights = new Float32Array(41).fill(1)
      weights[40] = weight
      const order = [40, ...Array.from({ length: 40 }, (_, i) => i)]
      tier.admit({
        keys: matrix(41, d, Float32Array.from(order.flatMap((r) => [...own.keys.data.subarray(r * d, (r + 1) * d)]))),
        values: matrix(
          41,
          dv,
          Float32Array.from(order.flatMap((r) => [...own.values.data.subarray(r * dv, (r + 1) * dv)])),
        ),
        weights: Float32Array.from(order, (r) => weights[r]),
      })
      return [...tier.read().keys.data].includes(3)
    }
    expect([kept(1), kept(4000)]).toEqual([true, false])
  })
})
