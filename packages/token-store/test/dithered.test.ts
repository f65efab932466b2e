// Codes with subtractive dither, against the tokens that came: unbiased weights and values, the variance of the closed form, error bars that cover. Truth: sums in
// float64 over the tokens, sinh by series. Kills: half the variance, a whole step for half of one, weights that are not
// divided by their mean, noise of values left out, a dither that is used twice, a number of a token that a snapshot or a slot forgets.
// False alarms: means within five standard errors (6e-7 each), coverage of 25,600 intervals between 0.93 and 0.97 (below 1e-9 at 0.95).
// Misses: half the variance below 1e-9 (it covers 0.83 for 0.95, and 0.827 to 0.843 of streams in four other sets of seeds).
import { emptyPartial, matrix, type KvBlock, type Matrix } from '@sublinear/core'
import { errorBars, normalise } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { openStore, quantised } from '../src'

const shape = { d: 16, dv: 6, scale: 0.25 }
const n = 96
/** Entries from −1 to 1 about a mean. */
const tokens = (seed: number, rows = n, spread = 1): KvBlock => {
  const [keys, values] = [random(rows, shape.d, seed), random(rows, shape.dv, seed + 1)]
  return {
    keys: { ...keys, data: keys.data.map((x) => spread * x + 0.7) },
    values: { ...values, data: values.data.map((x, i) => x + (keys.data[(i / shape.dv) | 0] ?? 0) - 2) },
  }
}
const storeOf = (dither: number, bits = 4, valueBits = bits) =>
  quantised({ keyBits: bits, valueBits, dither, first: 1 }).make({ ...shape, most: 4096 })

/** Weights and answers of exact attention, in float64. */
function exact({ keys, values, weights }: KvBlock, queries: Matrix) {
  const rows = Array.from({ length: queries.rows }, (_, r) => {
    const own = Array.from({ length: keys.rows }, (_, i) => {
      let score = 0
      for (let c = 0; c < shape.d; c++) score += queries.data[r * shape.d + c] * keys.data[i * shape.d + c]
      return (weights?.[i] ?? 1) * Math.exp(shape.scale * score)
    })
    const mass = own.reduce((a, b) => a + b, 0)
    const sum = Array.from({ length: shape.dv }, (_, c) =>
      own.reduce((total, w, i) => total + w * values.data[i * shape.dv + c], 0),
    )
    return { mass, sum, answer: sum.map((x) => x / mass) }
  })
  return rows
}

const repeated = (x: Matrix) => ({ ...x, rows: 200, data: Float32Array.from({ length: 100 * x.data.length }, (_, i) => x.data[i % x.data.length]) }) // prettier-ignore
const flagsOf = (block: KvBlock) => {
  using store = storeOf(1, 4)
  store.write(block, 0, block.keys.rows, 0)
  return [0.25, 1, 40].map((reach) => {
    const queries = { ...random(1, shape.d, 12), data: random(1, shape.d, 12).data.map((x) => reach * x) }
    const out = emptyPartial(1, shape.dv, true)
    store.attend(queries, out)
    return errorBars(out).flagged[0]
  })
}

describe('dithered codes', () => {
  // Kills: a mass that is e to what float32 rounds off a score of 10^10; shares above 1.
  it('answer scores of 10^10 by finite numbers, with shares of at most 1', () => {
    for (let seed = 1; seed <= 20; seed++) {
      using store = storeOf(seed, 6)
      store.write({ keys: random(12, shape.d, seed, 1e11), values: random(12, shape.dv, seed + 30) }, 0, 12, 0)
      const queries = random(3, shape.d, seed + 60)
      const out = emptyPartial(3, shape.dv)
      store.attend(queries, out)
      expect(out.mass.every((x) => x >= Math.exp(-1) && x <= 12 * Math.E)).toBe(true)
      expect(normalise(out).data.every((x) => Math.abs(x) < 2)).toBe(true)
      const shares = new Float64Array(12)
      store.addShares(shares, queries, out)
      expect(shares.every((x) => x >= 0 && x <= 3)).toBe(true)
    }
  })

  it('estimate mass and numerator without bias, over 3000 seeds', () => {
    const block = { ...tokens(1, 12), weights: Float32Array.from({ length: 12 }, (_, i) => 1 + i) }
    const queries = { ...random(2, shape.d, 5), data: random(2, shape.d, 5).data.map((x) => 4 * x) }
    const truth = exact(block, queries)
    const seeds = 3000
    const seen = truth.map(({ mass, sum }) => [mass, ...sum]).map((of) => of.map((x) => ({ x, total: 0, squares: 0 })))
    for (let seed = 0; seed < seeds; seed++) {
      using store = storeOf(seed, 3)
      store.write(block, 0, 12, 0)
      const out = emptyPartial(2, shape.dv)
      store.attend(queries, out)
      for (let r = 0; r < 2; r++) {
        const unit = Math.exp(out.max[r])
        const row = [out.mass[r], ...out.sum.data.subarray(r * shape.dv, (r + 1) * shape.dv)]
        for (const [i, got] of row.entries()) {
          seen[r][i].total += got * unit
          seen[r][i].squares += (got * unit) ** 2
        }
      }
    }
    for (const one of seen.flat()) {
      const mean = one.total / seeds
      const error = Math.sqrt(Math.max(0, one.squares / seeds - mean * mean) / seeds)
      expect(Math.abs(mean - one.x)).toBeLessThan(5 * error)
      expect(error).toBeLessThan(0.02 * Math.abs(truth[0].mass)) // the test sees a bias of a tenth
    }
  }, 60_000)

  it('give 95 % bars that cover 0.93 to 0.97 of the truth, with the mean square that they say', () => {
    const queries = { ...random(8, shape.d, 9), data: random(8, shape.d, 9).data.map((x) => 3 * x) }
    for (const [bits, valueBits] of [
      [3, 3],
      [4, 6],
      [5, 2],
    ]) {
      let [within, half, count, ratio] = [0, 0, 0, 0]
      for (let seed = 0; seed < 180; seed++) {
        const block = tokens(100 + 2 * (seed % 7))
        const truth = exact(block, queries)
        using store = storeOf(seed, bits, valueBits)
        store.write(block, 0, n, 0)
        const out = emptyPartial(8, shape.dv, true)
        store.attend(queries, out)
        const [answers, { error, flagged }] = [normalise(out).data, errorBars(out)]
        for (let r = 0; r < 8; r++) {
          if (flagged[r]) continue
          for (let c = 0; c < shape.dv; c++) {
            const off = Math.abs(answers[r * shape.dv + c] - truth[r].answer[c]) / error.data[r * shape.dv + c]
            count++
            ratio += off * off
            if (off <= 1.96) within++
            if (off <= 1.96 / Math.SQRT2) half++
          }
        }
      }
      expect(count).toBeGreaterThan(8000)
      expect(within / count).toBeGreaterThan(0.93)
      expect(within / count).toBeLessThan(0.97)
      expect(half / count).toBeLessThan(0.88) // bars of half the variance
      expect(Math.abs(ratio / count - 1)).toBeLessThan(0.08)
    }
  }, 60_000)

  it('flag rows whose weights are too uncertain, and only them', () => {
    const block = tokens(3, n, 4)
    using store = storeOf(1, 3)
    store.write(block, 0, n, 0)
    const flags = [0.1, 30].map((reach) => {
      const queries = { ...random(20, shape.d, 11), data: random(20, shape.d, 11).data.map((x) => reach * x) }
      const out = emptyPartial(20, shape.dv, true)
      store.attend(queries, out)
      return errorBars(out).flagged.reduce((a, b) => a + b, 0)
    })
    expect(flags).toEqual([0, 20])
  })

  it('flag rows whose mass is too uncertain, where few tokens share it', () => {
    const two = tokens(5, 2, 4)
    expect(flagsOf(two)).toEqual([0, 1, 1])
    expect(flagsOf({ keys: repeated(two.keys), values: repeated(two.values) })).toEqual([0, 0, 1])
  })

  it('answer the same bits with bars and without, in any cut, from snapshots, and say nothing that was not asked', () => {
    const block = tokens(20, 200)
    const queries = random(5, shape.d, 21)
    const [whole, cut] = [storeOf(7), storeOf(7)]
    whole.write(block, 0, 200, 0)
    for (let at = 0; at < 200; at += 7) cut.write(block, at, Math.min(7, 200 - at), at)
    const copy = quantised({ keyBits: 4, valueBits: 4, dither: 7, first: 1 }).make({ ...shape, most: 4096 })
    copy.restore('test', { tensors: new Map(Object.entries(whole.saved())), parameters: {}, isSound: true } as never)
    const answers = [whole, cut, copy, whole].map((store, i) => {
      const out = emptyPartial(5, shape.dv, i === 3)
      store.attend(queries, out, { visible: 120, groups: 1 })
      return out
    })
    for (const other of answers.slice(1)) {
      expect(other.max).toEqual(answers[0].max)
      expect(other.mass).toEqual(answers[0].mass)
      expect(other.sum.data).toEqual(answers[0].sum.data)
    }
    expect(answers[0].spread).toBeUndefined()
    for (const store of [whole, copy]) store.write(tokens(30, 1), 0, 1, 200)
    expect(copy.read()).toEqual(whole.read()) // the next token has the next number
    expect(() => errorBars(answers[0])).toThrow(TypeError)
    expect(openStore('test', whole.spec).spec).toBe(whole.spec)
    expect(whole.bytes).toBeLessThanOrEqual(
      quantised({ keyBits: 4, valueBits: 4, dither: 7, first: 1 }).bytes({ ...shape, most: 4096 }, 201, false),
    )
  })

  it('hold what came within half a step, each token by a dither of its own, wherever it lies', () => {
    const block = tokens(40, 64)
    const same: KvBlock = {
      keys: matrix(
        64,
        shape.d,
        Float32Array.from({ length: 64 * shape.d }, (_, i) => Math.sin(i % shape.d)),
      ),
      values: block.values,
    }
    using store = storeOf(3, 4)
    store.write(tokens(50, 1), 0, 1, 0) // the centre
    store.write(same, 0, 64, 1)
    const { keys } = store.read(1)
    const first = new Set(Array.from({ length: 64 }, (_, i) => keys.data[i * shape.d]))
    expect(first.size).toBeGreaterThan(60)
    const staged = store.staged(block, 0, 8)
    staged.put([3, 5], [0, 63])
    expect(store.readAt([0, 63])).toEqual(staged.read([3, 5]))
    const came = block.keys.data.subarray(3 * shape.d, 4 * shape.d)
    const gap = Math.hypot(...store.readAt([0]).keys.data.map((x, i) => x - came[i])) / Math.sqrt(shape.d)
    expect(gap).toBeLessThan(0.4) // steps of an eighth of the largest entry or so, over √12
  })

  it('refuse soft caps and seeds that are none', () => {
    const store = quantised({ keyBits: 4, valueBits: 4, dither: 1 })
    expect(() => store.make({ ...shape, most: 9, softcap: 3 })).toThrow('quantised: with a dither there is no softcap')
    expect(() => quantised({ keyBits: 4, valueBits: 4, dither: -1 })).toThrow(RangeError)
  })
})
