// Blocks of tokens and rows of partials, by hand. Kills: rows off by one, values taken from keys, weights that are lost, not copied, or made where there are none, a copy that is a view and a view that is
// a copy, a row of a sink that is added to another.
import { describe, expect, it } from 'vitest'
import { emptyPartial, joinedTokens, matrix, rowsOfPartial, tokensOf, type KvBlock } from '../src'
import { totalCounters } from '../src/counters'
import { featuresBeyond, headOf, perRow, scoresOf } from '../src/head'
import { copyToken, emptyBlock, pickedRows, pickedTokens, stackedRows } from '../src/kv-block'
import { addSink } from '../src/sink'

const block = (first: number, rows: number, weights?: readonly number[]): KvBlock => ({
  keys: matrix(
    rows,
    2,
    Float32Array.from({ length: 2 * rows }, (_, i) => 10 * first + i),
  ),
  values: matrix(
    rows,
    1,
    Float32Array.from({ length: rows }, (_, i) => -first - i),
  ),
  ...(weights && { weights: Float32Array.from(weights) }),
})

describe('tokens of a block', () => {
  it('are its rows, in the same memory, with their weights', () => {
    const all = block(1, 4, [1, 2, 3, 4])
    const { keys, values, weights } = tokensOf(all, 1, 3)
    expect([[...keys.data], [...values.data], [...weights!]]).toEqual([
      [12, 13, 14, 15],
      [-2, -3],
      [2, 3],
    ])
    keys.data[0] = 99
    expect(all.keys.data[2]).toBe(99)
    expect(tokensOf(block(1, 2), 0, 1)).not.toHaveProperty('weights')
  })

  it('are copied to a place of another block, with weight 1 where they have none', () => {
    const to = emptyBlock(3, 2, 1, true)
    expect([to.keys.rows, to.keys.cols, to.values.cols, [...to.weights!]]).toEqual([3, 2, 1, [1, 1, 1]])
    copyToken(to, 1, block(1, 2, [7, 8]), 1)
    expect([[...to.keys.data], [...to.values.data], [...to.weights!]]).toEqual([
      [0, 0, 12, 13, 0, 0],
      [0, -2, 0],
      [1, 8, 1],
    ])
    copyToken(to, 1, block(3, 1), 0)
    expect([...to.weights!]).toEqual([1, 1, 1])
    const plain = emptyBlock(1, 2, 1, false)
    expect(plain).not.toHaveProperty('weights')
    copyToken(plain, 0, block(2, 1, [5]), 0)
    expect([[...plain.keys.data], plain.weights]).toEqual([[20, 21], undefined])
  })

  it('are picked, in any order and more than once, as copies with other weights', () => {
    const all = block(1, 3)
    const weights = Float32Array.of(4, 5, 6)
    const picked = pickedTokens(all, [2, 0, 2], weights)
    expect([[...picked.keys.data], [...picked.values.data], picked.weights]).toEqual([
      [14, 15, 10, 11, 14, 15],
      [-3, -1, -3],
      weights,
    ])
    picked.keys.data.fill(0)
    expect(all.keys.data[4]).toBe(14)
    expect(pickedRows(all.keys, [])).toEqual(matrix(0, 2))
  })

  it('are joined: one block is given back itself, none is undefined, weights of 1 stand for none', () => {
    const [a, b, none] = [block(1, 1), block(5, 2, [3, 4]), block(9, 0)]
    expect(joinedTokens()).toBeUndefined()
    expect(joinedTokens(undefined, none)).toBeUndefined()
    expect(joinedTokens(none, a, undefined)).toBe(a)
    for (const [joined, weights] of [
      [joinedTokens(a, b), [1, 3, 4]],
      [joinedTokens(b, none, a), [3, 4, 1]],
    ] as const) {
      expect([joined!.keys.rows, joined!.values.rows]).toEqual([3, 3])
      expect([...joined!.weights!]).toEqual(weights)
    }
    expect([...joinedTokens(a, b)!.keys.data]).toEqual([10, 11, 50, 51, 52, 53])
    expect([...joinedTokens(a, b)!.values.data]).toEqual([-1, -5, -6])
    expect(joinedTokens(a, block(2, 1))).not.toHaveProperty('weights')
    expect(stackedRows([a.keys, none.keys, b.keys])).toEqual(matrix(3, 2, Float32Array.of(10, 11, 50, 51, 52, 53)))
  })
})

describe('rows of a partial', () => {
  it('lie in the same memory, with their spread; all of them are the partial itself', () => {
    const whole = emptyPartial(4, 2, true)
    expect(rowsOfPartial(whole, 0, 4)).toBe(whole)
    const part = rowsOfPartial(whole, 1, 3)
    expect([part.max.length, part.mass.length, part.sum.rows, part.sum.cols]).toEqual([2, 2, 2, 2])
    part.max[0] = 5
    part.mass[1] = 6
    part.sum.data[3] = 7
    part.spread!.squares[0] = 8
    part.spread!.flags[1] = 1
    expect([whole.max[1], whole.mass[2], whole.sum.data[5]]).toEqual([5, 6, 7])
    expect([whole.spread!.squares[2], whole.spread!.flags[2]]).toEqual([8, 1])
    expect(rowsOfPartial(emptyPartial(4, 2), 1, 3)).not.toHaveProperty('spread')
  })

  it('take a sink: a logit with no value, each row its own', () => {
    const partial = emptyPartial(4, 2)
    const rows = [
      { max: 1, mass: 2 },
      { max: -Infinity, mass: 0 },
      { max: 3, mass: 1 },
      { max: -2, mass: 4 },
    ]
    for (const [r, { max, mass }] of rows.entries()) {
      partial.max[r] = max
      partial.mass[r] = mass
      partial.sum.data.fill(mass * (r + 1), 2 * r, 2 * r + 2)
    }
    const sinks = [2, -1]
    addSink(partial, sinks)
    for (const [r, { max, mass }] of rows.entries()) {
      const scale = Math.exp(partial.max[r])
      const before = mass > 0 ? mass * Math.exp(max) : 0
      expect(partial.max[r]).toBe(Math.max(max, sinks[r % 2]))
      expect((partial.mass[r] * scale) / (before + Math.exp(sinks[r % 2]))).toBeCloseTo(1, 12)
      for (const c of [0, 1]) expect(partial.sum.data[2 * r + c] * scale).toBeCloseTo(before * (r + 1), 4)
    }
  })
})

it('features of a head stand in one order, and are told from others', () => {
  const shape = { values: 'in keys', d: 3, slope: [1, 2], softcap: undefined, window: 7 } as const
  expect(JSON.stringify(headOf(shape))).toBe('{"slope":[1,2],"window":7,"values":"in keys"}')
  expect(featuresBeyond(shape, ['window', 'softcap'])).toEqual(['slope', 'values'])
  expect([scoresOf({ softcap: 3, slope: 1 }), scoresOf({ slope: 1 })]).toEqual([{ softcap: 3 }, {}])
  expect([perRow(5, 9), perRow([1, 2, 3], 7), perRow([4], 3)]).toEqual([5, 2, 4])
})

const counted = (counters?: Record<string, number>) => ({ ...(counters && { counters }) }) as never

it('counters add up by name', () => {
  expect(totalCounters([counted({ rows: 2, frozen: 1 }), counted(), counted({ rows: 5, left: 3 })])).toEqual({
    rows: 7,
    frozen: 1,
    left: 3,
  })
})
