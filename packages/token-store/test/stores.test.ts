// Every store through every one of its methods, in programs that a seed draws. Truth: plain arrays of what was given, which 8 bits come near, and float64 over what the store
// reads. Kills: a method that reads other slots than `read`, weights lost or left behind by one of the ways of writing, a default that is not "to the end", a mask or
// a centre left out of shares, a partial that is begun anew, staged rows that are held otherwise than written ones, bytes above the bound or below what is held, a
// snapshot that goes on in other bits, memory that is not asked for.
import { dataOf, emptyPartial, matrix, rowsOf, type KvBlock } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { float32, quantised, type HeldTokens, type TokenStore } from '../src'

const shape = { d: 5, dv: 3, scale: 0.4 }
const MOST = 200
const [keyBits, valueBits] = [8, 8]
interface Case {
  readonly store: TokenStore
  readonly shortWeights?: boolean
  /** How far an entry may be from what was given, and an answer from float64 over what is held. */
  readonly near: number
  readonly answers: number
}
const CASES: Record<string, Case> = {
  'as they came': { store: float32, near: 0, answers: 1e-5 },
  'in codes': { store: quantised({ keyBits, valueBits, first: 3 }), near: 0.1, answers: 2e-4 },
  'in codes from the first token on': { store: quantised({ keyBits, valueBits, first: 0 }), near: 0.1, answers: 2e-4 },
  'in codes, weights in 16 bits': { store: quantised({ keyBits, valueBits }), shortWeights: true, near: 0.1, answers: 2e-4 }, // prettier-ignore
  'with a dither': { store: quantised({ keyBits, valueBits, dither: 4, first: 2 }), near: 0.1, answers: 5e-3 },
}

function block(rows: number, seed: number, weighted: boolean): KvBlock {
  const [keys, values] = [random(rows, 5, seed), random(rows, 3, seed + 1)]
  return {
    keys: matrix(
      rows,
      5,
      keys.data.map((x) => x + 1),
    ),
    values: matrix(
      rows,
      3,
      values.data.map((x) => x - 2),
    ),
    ...(weighted && { weights: Float32Array.from({ length: rows }, (_, i) => 1 + ((i + seed) % 3)) }),
  }
}

/** Tokens as three arrays of numbers. */
class Model {
  keys: number[] = []
  values: number[] = []
  weights: number[] = []
  put(own: KvBlock, row: number, slot: number) {
    for (let c = 0; c < 5; c++) this.keys[slot * 5 + c] = own.keys.data[row * 5 + c]
    for (let c = 0; c < 3; c++) this.values[slot * 3 + c] = own.values.data[row * 3 + c]
    this.weights[slot] = own.weights?.[row] ?? 1
  }
  cut(count: number) {
    this.keys.length = count * 5
    this.values.length = count * 3
    this.weights.length = count
  }
}

const most = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((top, x, i) => Math.max(top, Math.abs(x - b[i])), 0)
const ones = (own: { readonly weights?: Float32Array | undefined }, count: number) =>
  Array.from(own.weights ?? new Float32Array(count).fill(1))

/** Compares all that a store can say with the model and with its own `read`. */
function compared(held: HeldTokens, model: Model, { near, answers }: Case, seed: number) {
  const count = model.weights.length
  expect(held.count).toBe(count)
  const all = held.read()
  expect([all.keys.rows, all.values.rows, all.keys.cols, all.values.cols]).toEqual([count, count, 5, 3])
  expect(most(all.keys.data, model.keys)).toBeLessThanOrEqual(near)
  expect(most(all.values.data, model.values)).toBeLessThanOrEqual(near)
  const isWeighted = model.weights.some((w) => w !== 1)
  expect(all.weights !== undefined).toBe(isWeighted)
  expect(held.weights !== undefined).toBe(isWeighted)
  expect(ones(all, count)).toEqual(model.weights)
  expect(ones(held, count)).toEqual(model.weights)
  if (count === 0) return

  const [from, rows] = [seed % count, 1 + (seed % Math.max(1, count - (seed % count)))]
  const some = held.read(from, rows)
  expect(some.keys).toEqual(rowsOf(all.keys, from, from + rows))
  expect(some.values).toEqual(rowsOf(all.values, from, from + rows))
  const own = model.weights.slice(from, from + rows)
  expect(some.weights && [...some.weights]).toEqual(own.some((w) => w !== 1) ? own : undefined)
  expect(held.read(from).keys).toEqual(rowsOf(all.keys, from, count))
  expect(held.readKeys()).toEqual(all.keys)
  expect(held.readKeys(from)).toEqual(rowsOf(all.keys, from, count))
  expect(held.readKeys(from, rows)).toEqual(some.keys)
  const [keys, values] = [matrix(3, 5), matrix(3, 3)]
  held.readInto(keys, values, 1, from)
  expect([...keys.data]).toEqual([0, 0, 0, 0, 0, ...rowsOf(all.keys, from, from + 1).data, 0, 0, 0, 0, 0])
  expect([...values.data]).toEqual([0, 0, 0, ...rowsOf(all.values, from, from + 1).data, 0, 0, 0])
  const slots = [count - 1, from, 0]
  const picked = held.readAt(slots)
  for (const [i, slot] of slots.entries()) {
    expect(rowsOf(picked.keys, i, i + 1)).toEqual(rowsOf(all.keys, slot, slot + 1))
    expect(rowsOf(picked.values, i, i + 1)).toEqual(rowsOf(all.values, slot, slot + 1))
  }
  expect(picked.weights && [...picked.weights]).toEqual(isWeighted ? slots.map((s) => model.weights[s]) : undefined)

  const point = Float64Array.of(0.5, 1, 1.5, 0, 2)
  const gaps = Array.from({ length: count }, (_, r) =>
    point.reduce((sum, x, c) => sum + (all.keys.data[r * 5 + c] - x) ** 2, 0),
  )
  const distances = held.distances(point)
  expect(distances.length).toBe(count)
  expect(most(distances, gaps)).toBeLessThan(1e-4)
  expect(held.distances(point, from, rows)).toEqual(distances.slice(from, from + rows))
  expect(held.distances(point, from)).toEqual(distances.slice(from))

  const queries = random(4, 5, seed, 2)
  for (const causal of [undefined, { visible: Math.max(1, count - 3), groups: 2 }]) {
    const seen = (row: number) => (causal ? Math.min(count, causal.visible + Math.floor(row / 2)) : count)
    const out = emptyPartial(4, 3)
    held.attend(queries, out, causal)
    const exact = softmaxOracle(queries, all.keys, all.values, 0.4, seen, Float32Array.from(model.weights))
    expect(distance(normalise(out).data, exact)).toBeLessThan(answers)
    // Twice the same partial: the mass is twice as large, the answer the same.
    const twice = emptyPartial(4, 3)
    held.attend(queries, twice, causal)
    held.attend(queries, twice, causal)
    const level = (one: typeof out, r: number) => Math.log(one.mass[r]) + one.max[r]
    for (let r = 0; r < 4; r++) expect(level(twice, r) - level(out, r)).toBeCloseTo(Math.LN2, 4)
    expect(distance(normalise(twice).data, exact)).toBeLessThan(answers)

    const shares = new Float64Array(count).fill(0.25) // what was there stays
    held.addShares(shares, queries, out, causal)
    const wanted = Array.from({ length: count }, (_, t) => {
      let share = 0.25
      for (let r = 0; r < 4; r++) {
        let score = 0
        for (let c = 0; c < 5; c++) score += 0.4 * queries.data[r * 5 + c] * all.keys.data[t * 5 + c]
        if (t < seen(r)) share += (model.weights[t] * Math.exp(score - out.max[r])) / out.mass[r]
      }
      return share
    })
    expect(most(shares, wanted)).toBeLessThan(10 * answers)
    const none = new Float64Array(count)
    held.addShares(none, queries, { max: new Float32Array(4).fill(-Infinity), mass: new Float64Array(4) }, causal)
    expect([...none].every((x) => x === 0)).toBe(true)
  }
}

describe.each(Object.entries(CASES))('tokens %s', (_, one) => {
  const options = { ...shape, most: MOST, ...(one.shortWeights && { shortWeights: true }) }
  const make = () => one.store.make(options)
  const copyOf = (held: HeldTokens, isSound: boolean) => {
    const tensors = new Map(Object.entries(held.saved()).map(([name, t]) => [name, { ...t, data: dataOf(t) }]))
    const copy = make()
    copy.restore('test', { kind: 'test', version: '1', parameters: {}, tensors, isSound } as never)
    return copy
  }

  it.each([1, 2, 3])('are the same by every method, program %i', (seed) => {
    let held = make()
    const model = new Model()
    let [most, isWeighted, state] = [0, false, seed]
    const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
    compared(held, model, one, 0)
    for (let step = 0; step < 24; step++) {
      const count = model.weights.length
      const weighted = next(3) === 0
      const what = next(8)
      if (what < 3) {
        const rows = Math.min([0, 1, 30, 70][next(4)], MOST - count)
        const own = block(rows + 2, step, weighted)
        held.write(own, 1, rows, count)
        for (let r = 0; r < rows; r++) model.put(own, r + 1, count + r)
      } else if (what === 3 && count > 4) {
        const own = block(6, step, weighted)
        held.write(own, 2, 3, count - 4)
        for (let r = 0; r < 3; r++) model.put(own, r + 2, count - 4 + r)
      } else if (what === 4 && count > 2) {
        held.weigh(count - 2, Float32Array.of(1, weighted ? 5 : 1))
        model.weights[count - 2] = 1
        model.weights[count - 1] = weighted ? 5 : 1
      } else if (what === 5 && count > 2) {
        const isWeighed = step % 2 === 0
        const own = block(9, step, isWeighed)
        const staged = held.staged(own, 2, 6)
        const point = Float64Array.of(1, 1, 0, 1, 1)
        const [gaps, read] = [staged.distances(point), staged.read([5, 1])]
        expect(gaps.length).toBe(6)
        staged.put([5, 1], [count - 1, 0])
        model.put(own, 7, count - 1)
        model.put(own, 3, 0)
        expect(read.weights && [...read.weights]).toEqual(isWeighed ? [own.weights![7], own.weights![3]] : undefined)
        const put = held.readAt([count - 1, 0])
        expect([put.keys, put.values]).toEqual([read.keys, read.values])
        expect([held.distances(point, count - 1)[0], held.distances(point, 0, 1)[0]]).toEqual([gaps[5], gaps[1]])
        staged[Symbol.dispose]()
        isWeighted ||= isWeighed
      } else if (what === 6) {
        const to = next(count + 1)
        held.truncate(to)
        model.cut(to)
        if (next(4) === 0) {
          held.clear()
          model.cut(0)
        }
      } else {
        const copy = copyOf(held, next(2) === 0)
        const own = block(1, step, weighted)
        if (count < MOST) {
          for (const both of [held, copy]) both.write(own, 0, 1, count)
          model.put(own, 0, count)
        }
        if (count > 4) expect(copy.read()).toEqual(held.read())
        held[Symbol.dispose]()
        held = copy
      }
      most = Math.max(most, model.weights.length)
      isWeighted ||= weighted
      held.reserve(MOST)
      compared(held, model, one, step + 1)
      expect(held.bytes).toBeLessThanOrEqual(one.store.bytes(options, most, isWeighted))
      const saved = Object.values(held.saved()).reduce((sum, tensor) => sum + dataOf(tensor).byteLength, 0)
      expect(held.bytes).toBeGreaterThanOrEqual(saved)
    }
    held[Symbol.dispose]()
  })

  it('take at most the bytes that are said of so many, and once as many, weighted and not', () => {
    for (const weighted of [false, true]) {
      const held = make()
      const own = block(MOST, 1, weighted)
      let most = 0
      for (let at = 0; at < MOST; at++) {
        held.write(own, at, 1, at)
        most = Math.max(most, held.bytes)
        if (at % 13 === 0) expect(most).toBe(one.store.bytes(options, at + 1, weighted))
      }
      expect(most).toBe(one.store.bytes(options, MOST, weighted))
      expect(most).toBe(one.store.bytes(options, 10 * MOST, weighted))
    }
  })

  it('ask for memory before they need it', () => {
    const wide = one.store.make({ ...options, most: 2 ** 44 })
    wide.write(block(9, 1, false), 0, 9, 0)
    expect(() => wide.reserve(2 ** 44)).toThrow(RangeError)
    expect(() => wide.reserve(2 ** 10)).not.toThrow()
    expect(() => one.store.make({ ...options, most: 2 ** 44 }).reserve(2 ** 44)).toThrow(RangeError)
    expect(wide.count).toBe(9)
  })

  it('answer nothing, and change no partial, while there are none', () => {
    const [held, out, shares] = [make(), emptyPartial(2, 3), new Float64Array(0)]
    held.attend(random(2, 5, 1), out)
    held.addShares(shares, random(2, 5, 1), out)
    expect([...out.mass, ...out.sum.data, ...out.max]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, -Infinity, -Infinity])
    expect(copyOf(held, false).count).toBe(0)
  })

  it('say why they have no bars, where they have none', () => {
    const isExact = one.store === float32 || one.store.spec.includes('dither')
    expect(make().noBars).toBe(
      isExact ? undefined : 'rounding to few bits has an error that the codes do not tell: give quantised a dither',
    )
  })
})
