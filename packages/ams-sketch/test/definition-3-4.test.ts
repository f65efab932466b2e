// Definition 3.4: Ψ has entries ±1/√m from m independent sign functions of O(log n) bits each.
// Kills: entries of another size, rows that share a function, bytes that grow with n or hide a table, integer streams that lose
// counts below 2^53 (f64) or gain them above 2^24 (f32).
import { describe, expect, it } from 'vitest'
import { matrix, sketch } from '@sublinear/core'
import { fourWiseSigns } from '@sublinear/hash-families'
import { amsSketch } from '../src'

const column = (m: number, seed: number, index: number) => {
  const into = matrix(m, 1)
  amsSketch({ m, seed }).accumulate(into, matrix(1, 1, Float32Array.of(1)), index)
  return into.data
}

describe('Definition 3.4', () => {
  it.each([1, 2, 48, 100])('m = %i: entries are the signs over √m', (m) => {
    const signs = fourWiseSigns({ count: m, seed: 5 })
    for (const index of [0, 1, 63, 64, 2 ** 32 + 1, 2 ** 53 - 2]) {
      const unit = Math.fround(1 / Math.sqrt(m))
      const wanted = Float32Array.from({ length: m }, (_, r) => signs.sign(r, index) * unit)
      expect(column(m, 5, index)).toEqual(wanted)
    }
  })

  it('a number for one column, which takes a path of its own, gives the bits of a wider block', () => {
    const psi = amsSketch({ m: 37, seed: 9 })
    for (const index of [0, 77, 2 ** 40 + 3]) {
      const start = Float32Array.from({ length: 37 }, (_, r) => Math.sin(r))
      const [one, two] = [
        matrix(37, 1, start.slice()),
        matrix(
          37,
          2,
          Float32Array.from({ length: 74 }, (_, i) => start[i >> 1]),
        ),
      ]
      psi.accumulate(one, matrix(1, 1, Float32Array.of(0.3)), index)
      psi.accumulate(two, matrix(1, 2, Float32Array.of(0.3, 1)), index)
      expect(one.data).toEqual(two.data.filter((_, i) => i % 2 === 0))
    }
  })

  it('takes 24 bytes a row, 129 random bits and what makes them fast, for any n up to 2^53 - 1', () => {
    for (const m of [1, 16, 1000]) {
      const psi = amsSketch({ m, seed: 1 })
      const one = sketch(psi, 3)
      for (const index of [0, 2 ** 20, 2 ** 53 - 2]) one.update(index, Float32Array.of(1, 2, 3))
      expect(psi.bytes).toBe(24 * m)
      expect(one.bytes).toBe(24 * m + 4 * 3 * m + 4 * 64 * 3)
    }
  })

  it('refuses what is out of range', () => {
    for (const m of [0, -1, 1.5])
      expect(() => amsSketch({ m, seed: 1 })).toThrow(`amsSketch: m must be an integer >= 1, got ${m}`)
    expect(() => amsSketch({ m: 1, seed: 1.5 })).toThrow(RangeError)
    expect(() => amsSketch({ m: 1 } as never)).toThrow(TypeError)
  })
})

const units = (state: ArrayLike<number>) => Array.from(state, (x) => BigInt(Math.round(x * 4)))

// With m a power of 4, 1/√m is a power of 2 and products with integers are exact.
describe('integer streams at m = 16', () => {
  const m = 16
  const truth = (counts: ReadonlyMap<number, bigint>) => {
    const signs = fourWiseSigns({ count: m, seed: 3 })
    const sums = Array.from({ length: m }, () => 0n)
    for (const [index, count] of counts) for (let r = 0; r < m; r++) sums[r] += BigInt(signs.sign(r, index)) * count
    return sums
  }

  it('are exact to 2^53 with f64', () => {
    const counts = new Map<number, bigint>()
    const one = sketch(amsSketch({ m, seed: 3 }), 1)
    expect(one.precision).toBe('f64')
    const add = (index: number, count: number, times = 1) => {
      for (let i = 0; i < times; i++) one.update(index, count)
      counts.set(index, (counts.get(index) ?? 0n) + BigInt(count) * BigInt(times))
    }
    add(7, 2 ** 52)
    add(2 ** 40, 2 ** 51)
    add(12, 2 ** 50)
    for (let i = 0; i < 300; i++) add(i * 999_999_937, (i % 5) - 2)
    const pushed = Float32Array.from({ length: 200 }, (_, i) => (i * 37) % 101)
    one.push(matrix(200, 1, pushed), 40)
    for (const [i, x] of pushed.entries()) counts.set(40 + i, (counts.get(40 + i) ?? 0n) + BigInt(x))
    expect(units(one.state.data)).toEqual(truth(counts))
  })

  it('stop counting at 2^24 with f32: 2^24 + 1 is lost, and not with f64', () => {
    const end = (precision: 'f32' | 'f64') => {
      const one = sketch(amsSketch({ m, seed: 3 }), 1, { precision })
      one.update(7, 2 ** 24)
      one.update(7, 1)
      return units(one.state.data).map((x) => (x < 0n ? -x : x))
    }
    expect(end('f32')).toEqual(Array.from({ length: m }, () => 2n ** 24n))
    expect(end('f64')).toEqual(Array.from({ length: m }, () => 2n ** 24n + 1n))
  })

  it('end at zero bit for bit when every count is taken back, at any m', () => {
    const one = sketch(amsSketch({ m: 37, seed: 3 }), 1)
    for (let i = 0; i < 500; i++) one.update((i * i) % 1000, (i % 7) + 1)
    for (let i = 499; i >= 0; i--) one.update((i * i) % 1000, -((i % 7) + 1))
    for (const x of one.state.data) expect(Math.abs(x)).toBe(0)
  })
})
