// Entropy-coded tokens within their room, in any pieces. Truth: the tokens that came, float64 over what is held, bytes counted one by one.
// Kills: a token lost or told twice where steps change, tokens leave or weights begin, weights that go with other tokens, the farthest tokens let go instead of the nearest,
// a mean key without weights, a room above its bound, a step that is not made coarser where there are few bits or much coarser than needed, a state that depends
// on where calls end, a token that has no room even alone, a snapshot that goes on otherwise or a damaged one that is taken.
import { emptyPartial, matrix, tokensOf, type KvBlock } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { entropyBytes, entropyTokens, heldTokens, type EntropyTokens } from '../src'

const shape = { d: 4, dv: 3, scale: 0.5 }
const roomOf = (count: number, bits: number) => Math.floor((count * Math.ceil(bits * 7 + 1)) / 8) + 2 * 7 + 8
const make = (count: number, bits: number, from?: ReturnType<EntropyTokens['saved']>) =>
  entropyTokens({ ...shape, count, bits }, 'test', from && stateOf(from))
const stateOf = ({ parameters, tensors }: ReturnType<EntropyTokens['saved']>, change: object = {}) =>
  ({ kind: 'test', version: '1', parameters, tensors: new Map(Object.entries({ ...tensors, ...change })) }) as never

const grow = (x: number, row: number) => x * (1 + row / 100)
const far = (row: readonly number[]) => Math.hypot(...row.slice(1, 5).map((x) => x - 2))
const sign = (i: number) => (i % 3 === 0 ? 1 : -1)
const mean = (rows: readonly (readonly number[])[]) => rows.reduce((sum, row) => sum + far(row), 0) / rows.length
const fill = (level: number, cols: number) => Array.from({ length: cols }, (_, c) => level * sign(c) + 0)

/** Tokens whose sizes grow, about a key of 2 and a value of −1; the last entry of a value is the token's number. */
function tokens(rows: number, seed: number, weights?: (i: number) => number): KvBlock {
  return {
    keys: matrix(
      rows,
      4,
      random(rows, 4, seed).data.map((x, i) => 2 + grow(x, i >> 2)),
    ),
    values: matrix(
      rows,
      3,
      random(rows, 3, seed + 1).data.map((x, i) => (i % 3 === 2 ? Math.floor(i / 3) / 100 : grow(x, i / 3) - 1)),
    ),
    ...(weights && { weights: Float32Array.from({ length: rows }, (_, i) => weights(i)) }),
  }
}
const sorted = (block: KvBlock | undefined) =>
  Array.from({ length: block?.keys.rows ?? 0 }, (_, r) => {
    const [w, key] = [block!.weights?.[r] ?? 1, block!.keys.data.subarray(r * 4, r * 4 + 4)]
    return [w, ...key, ...block!.values.data.subarray(r * 3, r * 3 + 3)]
  })
/** The token that came and is nearest, by value and key. */
function nearestOf(row: readonly number[], came: readonly (readonly number[])[]) {
  let [best, at] = [Infinity, -1]
  for (const [i, one] of came.entries()) {
    const off = one.reduce((most, x, c) => (c === 0 ? most : Math.max(most, Math.abs(x - row[c]))), 0)
    if (off < best) [best, at] = [off, i]
  }
  return { at, off: best }
}

describe.each([
  ['all of weight 1', undefined],
  ['some of weight 3, late', (i: number) => (i > 100 && i % 5 === 0 ? 3 : 1)],
  ['of many weights', (i: number) => 1 + (i % 4)],
] as const)('tokens %s', (_, weights) => {
  it.each([
    [60, 6],
    [150, 3],
    [250, 9],
  ])('leave once or stay once, with their weights, within a room for %i of %i bits', (count, bits) => {
    const block = tokens(300, count, weights)
    const came = sorted(block)
    const held = make(count, bits)
    const gone: number[][] = []
    let state = 1
    for (let at = 0; at < 300;) {
      state = (state * 31 + 7) % 101
      const to = Math.min(300, at + 1 + (state % 60))
      gone.push(...sorted(held.admit(tokensOf(block, at, to))))
      at = to
      expect(held.count + gone.length).toBe(at)
      const { codes, blocks } = held.saved().tensors
      const weighed = held.saved().tensors['weights'] ? 4 * held.count : 0
      expect(codes.shape[0] + 4 * blocks.shape[0] + weighed).toBeLessThanOrEqual(roomOf(count, bits))
      expect(held.bytes).toBe(roomOf(count, bits) + 12 * 7 + 8 * 5)
      expect(held.bytes).toBe(entropyBytes({ d: 4, dv: 3, count, bits }))
    }
    const stay = sorted(held.read())
    expect(stay.length).toBe(held.count)
    // Each is near one that came, has its weight, and no two are the same.
    const found = [...gone, ...stay].map((row) => ({ row, ...nearestOf(row, came) }))
    const isFine = bits > 3 && !weights // weights take most of a small room
    const near = isFine ? 0.25 : 4
    expect(found.reduce((most, { off }) => Math.max(most, off), 0)).toBeLessThan(near)
    if (isFine) expect(found.every(({ row, at }) => row[0] === came[at][0])).toBe(true)
    expect(new Set(found.map(({ at }) => at)).size).toBeGreaterThan(isFine ? 299 : 150)
    expect(found.reduce((sum, { row }) => sum + row[0], 0)).toBe(came.reduce((sum, [w]) => sum + w, 0))
    // The room is used: as many are held as are hoped for, or nearly, and with weights of 4 bytes fewer.
    if (isFine) expect(held.count).toBeGreaterThan(0.85 * count)
    if (gone.length > 50) expect(mean(stay)).toBeGreaterThan(1.3 * mean(gone))
  })

  it('answer as float64 over what is held, go on from a partial, and see a soft cap', () => {
    const block = tokens(640, 5, weights)
    for (const softcap of [undefined, 2]) {
      const held = entropyTokens({ ...shape, count: 640, bits: 8, ...(softcap && { softcap }) }, 'test')
      const [queries, out] = [random(3, 4, 8), emptyPartial(3, 3)]
      held.attend(queries, out, false)
      expect([...out.mass]).toEqual([0, 0, 0])
      held.admit(block, true)
      expect(held.count).toBeGreaterThan(weights ? 200 : 540)
      const all = held.read()
      held.attend(queries, out, true)
      held.attend(queries, out, false)
      const floats = heldTokens({ ...shape, most: 640, ...(softcap && { softcap }) })
      floats.write(all, 0, all.keys.rows, 0)
      const wanted = emptyPartial(3, 3)
      floats.attend(queries, wanted)
      expect(distance(normalise(out).data, Float64Array.from(normalise(wanted).data))).toBeLessThan(1e-5)
      for (let r = 0; r < 3; r++)
        expect(out.max[r] + Math.log(out.mass[r] / 2)).toBeCloseTo(wanted.max[r] + Math.log(wanted.mass[r]), 4)
      if (softcap) continue
      const exact = softmaxOracle(queries, all.keys, all.values, 0.5, () => held.count, all.weights)
      expect(distance(normalise(out).data, exact)).toBeLessThan(1e-5)
    }
  })

  it('are the same bits in any pieces and from snapshots, whether what leaves is asked or not', () => {
    const block = tokens(400, 3, weights)
    const [whole, silent] = [make(90, 5), make(90, 5)]
    let pieces = make(90, 5)
    const left = whole.admit(block)
    const others: number[][] = []
    for (let at = 0; at < 400; at += 37) {
      const some = tokensOf(block, at, Math.min(400, at + 37))
      others.push(...sorted(pieces.admit(some)))
      pieces = make(90, 5, pieces.saved())
      expect(silent.admit(some, true)).toBeUndefined()
    }
    expect(others).toEqual(sorted(left))
    for (const one of [pieces, silent]) {
      expect(one.saved()).toEqual(whole.saved())
      expect(one.read()).toEqual(whole.read())
    }
    const { weights: own } = pieces.read()
    if (own) expect(own.some((w) => w !== 1)).toBe(true)
  })
})

test('more bits lose less: two more, and steps are a quarter as wide, or nearly', () => {
  const came = sorted(tokens(300, 1))
  const errors = [5, 7, 9].map((bits) => {
    const held = make(300, bits)
    held.admit(tokens(300, 1), true)
    const rows = sorted(held.read())
    expect(rows.length).toBeGreaterThan(250)
    return rows.reduce((sum, row) => sum + nearestOf(row, came).off, 0) / rows.length
  })
  for (let i = 1; i < 3; i++) {
    expect(errors[i - 1] / errors[i]).toBeGreaterThan(2.5)
    expect(errors[i - 1] / errors[i]).toBeLessThan(6)
  }
})

test('a token that has no room even alone leaves as it came, and counts in the mean key', () => {
  // The first and the last are the centre; the others have no short codes beside it.
  const rows = (cols: number) => matrix(4, cols, Float32Array.from([0, 1, 3, 0].flatMap((level) => fill(level, cols))))
  const held = entropyTokens({ d: 40, dv: 30, scale: 1, count: 1, bits: 0.5 }, 'test')
  const came = { keys: rows(40), values: rows(30), weights: Float32Array.of(1, 2, 4, 1) }
  const left = held.admit(came)!
  expect(left.keys).toEqual(matrix(3, 40, came.keys.data.slice(0, 120)))
  expect(left.values).toEqual(matrix(3, 30, came.values.data.slice(0, 90)))
  expect([...left.weights!]).toEqual([1, 2, 4])
  expect(held.count).toBe(1)
  expect(held.read()).toEqual({ keys: matrix(1, 40), values: matrix(1, 30) })
  expect(held.saved().parameters['weight']).toBe('8')
  expect([...(held.saved().tensors['sum'].data as Float64Array)]).toEqual(fill(14, 40))
  expect(entropyTokens({ d: 40, dv: 30, scale: 1, count: 1, bits: 0.5 }, 'test').admit(came, true)).toBeUndefined()
})

test('weights stand in the mean key, and 1 for tokens without', () => {
  const held = make(50, 8)
  const block = tokens(6, 9, (i) => (i < 3 ? 1 : 4))
  held.admit(tokensOf(block, 0, 3))
  held.admit(tokensOf(block, 3, 6))
  const { parameters, tensors } = held.saved()
  expect(Number(parameters['weight'])).toBe(15)
  const wanted = [0, 1, 2, 3].map((c) =>
    [0, 1, 2, 3, 4, 5].reduce((sum, r) => sum + (r < 3 ? 1 : 4) * block.keys.data[r * 4 + c], 0),
  )
  expect([...(tensors['sum'].data as Float64Array)]).toEqual(wanted)
  expect([...held.read().weights!]).toEqual([1, 1, 1, 4, 4, 4])
  expect([...(tensors['centre'].data as Float32Array)]).toEqual([
    ...block.keys.data.subarray(0, 4),
    ...block.values.data.subarray(0, 3),
  ])
})

test('tokens of one value each take no step and no bits', () => {
  const held = make(100, 2)
  const same = { keys: matrix(90, 4, new Float32Array(360).fill(3)), values: matrix(90, 3, new Float32Array(270).fill(-5)) } // prettier-ignore
  expect(held.admit(same)).toBeUndefined()
  expect(held.saved().parameters).toEqual({ weight: '90', keyStep: '', valueStep: '' })
  expect([...held.read().keys.data].every((x) => x === 3)).toBe(true)
  expect([...held.read().values.data].every((x) => x === -5)).toBe(true)
  expect(held.saved().tensors['codes'].shape[0]).toBeLessThan(30)
})

describe('a snapshot', () => {
  const held = make(60, 5)
  held.admit(tokens(200, 1, (i) => 1 + (i % 2)))
  const saved = held.saved()
  const { centre, weights } = saved.tensors as Record<string, { dtype: string; shape: number[]; data: Float32Array }>
  it.each<[string, object, object?]>([
    ['a key of a centre that is not finite', { centre: { ...centre, data: centre.data.with(3, NaN) } }],
    ['a value of a centre that is not finite', { centre: { ...centre, data: centre.data.with(4, Infinity) } }],
    ['a key of a centre beyond 2^50', { centre: { ...centre, data: centre.data.with(0, 2 ** 51) } }],
    ['a value of a centre beyond 2^64', { centre: { ...centre, data: centre.data.with(6, -(2 ** 65)) } }],
    ['a weight too few', { weights: { ...weights, shape: [held.count - 1], data: weights.data.slice(1) } }],
    ['a weight of 0', { weights: { ...weights, data: weights.data.with(1, 0) } }],
    ['no weight of what is held', {}, { weight: '0' }],
    ['a step that is none', {}, { keyStep: '3201' }],
    ['a step of values that is none', {}, { valueStep: 'x' }],
  ])('with %s is refused', (_, tensors, parameters) => {
    const state = stateOf({ ...saved, parameters: { ...saved.parameters, ...parameters } }, tensors)
    expect(() => entropyTokens({ ...shape, count: 60, bits: 5 }, 'test', state)).toThrow(RangeError)
  })
  it('with more than the room is refused, weights counted', () => {
    const { weights: _, ...others } = saved.tensors
    const bytes = others['codes'].shape[0] + 4 * others['blocks'].shape[0]
    const count = Array.from({ length: 60 }, (_, i) => i + 1).find((some) => roomOf(some, 5) >= bytes)!
    expect(() => make(count, 5, { ...saved, tensors: others })).not.toThrow()
    expect(() => make(count, 5, saved)).toThrow('test: the tensors do not fit the parameters')
  })
})
