// Sequences in a batch against each layer alone, bit for bit. Kills: maxima, masses or sums of one sequence that stand in the rows of another or nowhere, an offset off by one, a layer that
// takes tokens although another refuses, a message that names another thing than what is wrong.
import { rowsOf, tokensOf, type Layer } from '@sublinear/core'
import { random, refusing } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { batch, closureStream, exactStream, layer } from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const [QUERY_HEADS, KV_HEADS] = [4, 2]
const layers = (): Layer[] =>
  [exactStream, closureStream, exactStream].map((make) =>
    layer({ queryHeads: QUERY_HEADS, kvHeads: KV_HEADS, make: () => make(shape) }),
  )
const offsets = [0, 4, 4, 11]
const rows = 11
const tokens = (seed = 1) => ({ keys: random(rows, KV_HEADS * 3, seed), values: random(rows, KV_HEADS * 2, seed + 1) })
const queries = random(rows, QUERY_HEADS * 3, 9)
const weights = Float32Array.from({ length: rows }, (_, i) => 1 + (i % 3))

const compare = (got: ReturnType<Layer['attend']>, wanted: readonly ReturnType<Layer['attend']>[]) => {
  expect([...got.max]).toEqual(wanted.flatMap(({ max }) => [...max]))
  expect([...got.mass]).toEqual(wanted.flatMap(({ mass }) => [...mass]))
  expect([...got.sum.data]).toEqual(wanted.flatMap(({ sum }) => [...sum.data]))
  expect([got.sum.rows, got.sum.cols]).toEqual([rows * QUERY_HEADS, 2])
}

describe('a batch', () => {
  it('gives each sequence the answers of its layer alone, stepped, asked, and after pushes', () => {
    const [all, alone] = [batch(layers()), layers()]
    const ranges = alone.map((_, i) => [offsets[i], offsets[i + 1]] as const)
    const own = { ...tokens(), weights }
    const steps = () => ranges.map(([from, to], i) => alone[i].step(tokensOf(own, from, to), rowsOf(queries, from, to)))
    compare(all.step({ ...own, queries, offsets }), steps())
    all.push({ ...tokens(5), offsets: Uint32Array.from(offsets) })
    for (const [i, [from, to]] of ranges.entries()) alone[i].push(tokensOf(tokens(5), from, to))
    const asks = () => ranges.map(([from, to], i) => alone[i].attend(rowsOf(queries, from, to)))
    compare(all.attend({ queries, offsets }), asks())
    expect(all.layers.map((one) => one.tokens)).toEqual([8, 0, 14])
    for (const [i, one] of all.layers.entries()) expect(one.toBytes()).toEqual(alone[i].toBytes())
  })

  it('asks all layers before one of them takes a token', () => {
    const two = [layers()[0], layer({ queryHeads: QUERY_HEADS, kvHeads: KV_HEADS, make: () => refusing(exactStream(shape), 3) as never })] // prettier-ignore
    const all = batch(two)
    const own = { ...tokens(), offsets: [0, 4, 11] }
    all.push(own)
    expect(() => all.push(own)).toThrow('it takes no more')
    expect(() => all.step({ ...own, queries })).toThrow('it takes no more')
    expect(two.map((one) => one.tokens)).toEqual([4, 7])
  })

  it.each<[string, (make: typeof batch) => unknown]>([
    ['batch: layers must be a list of at least one layer, one a sequence', (make) => make([])],
    ['batch: layers must be a list of at least one layer, one a sequence', (make) => make(undefined as never)],
    ['batch: layers must be a list of at least one layer, one a sequence', (make) => { const [one] = layers(); return make([one, one]) }],
    ['batch: layer 1 must have the heads and widths of layer 0', (make) => make([layers()[0], layer({ queryHeads: 2, kvHeads: 2, make: () => exactStream(shape) })])],
    ['batch: layer 1 must have the heads and widths of layer 0', (make) => make([layers()[0], layer({ queryHeads: 4, kvHeads: 4, make: () => exactStream(shape) })])],
    ['batch: layer 1 must have the heads and widths of layer 0', (make) => make([layers()[0], layer({ queryHeads: 4, kvHeads: 2, make: () => exactStream({ ...shape, dv: 3 }) })])],
    ['batch: layer 1 must have the heads and widths of layer 0', (make) => make([layers()[0], layer({ queryHeads: 4, kvHeads: 2, make: () => exactStream({ ...shape, d: 4 }) })])],
  ])('refused: %s', (message, call) => {
    expect(() => call(batch)).toThrow(message)
  }) // prettier-ignore

  it.each([
    [[0, 4, 11]],
    [[0, 4, 4, 10]],
    [[1, 4, 4, 11]],
    [[0, 5, 4, 11]],
    [[0, 4.5, 5, 11]],
    [[0, 4, 4, 11, 11]],
    [[]],
    [undefined],
  ])('refuses the offsets %j', (given) => {
    const all = batch(layers())
    const said = `batch: offsets must be 4 integers from 0 to 11, never falling, got ${given?.join(', ') || 'none'}`
    for (const call of [
      () => all.push({ ...tokens(), offsets: given as never }),
      () => all.attend({ queries, offsets: given as never }),
      () => all.step({ ...tokens(), queries, offsets: given as never }),
    ])
      expect(call).toThrow(new RangeError(said))
    expect(all.layers.map((one) => one.tokens)).toEqual([0, 0, 0])
  })

  it('refuses what is padded, other names, and tokens of other widths', () => {
    const all = batch(layers())
    expect(() => all.push({ ...tokens(), offsets, mask: [] } as never)).toThrow(/^batch: there is no option "mask": leave rows of padding out/) // prettier-ignore
    expect(() => all.push({ ...tokens(), offset: offsets } as never)).toThrow('batch: there is no option "offset"')
    expect(() => all.attend({ ...tokens(), queries, offsets } as never)).toThrow('batch: there is no option "keys"')
    expect(() => all.attend({ queries: random(rows, 3, 1), offsets })).toThrow(/^batch: queries must have/)
    expect(() => all.push({ ...tokens(), keys: random(rows, 3, 1), offsets })).toThrow(/^batch: keys must have/)
    expect(() => all.step({ ...tokens(), queries: random(rows + 1, 12, 1), offsets })).toThrow(/^batch: queries must have/) // prettier-ignore
  })
})
