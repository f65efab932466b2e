// The growing cache over many pages, against float64. Kills: a page skipped or read past its tokens, a bias of another page, log
// weights that a later unweighted token inherits, tokens read from another place, or from the stream before a reset or beyond the last, a causal mask that starts over in each page, a snapshot with parts that do not fit.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, rowsOf } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { exactAttention, exactStream, normalise, restoreExactStream } from '../src'
import { distance, random, softmaxOracle } from '@sublinear/laws'

const shape = { d: 3, dv: 2, scale: 0.7 }

const f32 = (...entries: number[]) => ({
  dtype: 'F32' as const,
  shape: [entries.length],
  data: Float32Array.from(entries),
})

describe('exactStream', () => {
  it('lets its tokens be read from any place, over pages, by copies', () => {
    const n = 700
    const [keys, values] = [random(n, 3, 1), random(n, 2, 2)]
    const stream = exactStream(shape)
    stream.push({ keys, values })
    const read = (from: typeof stream, first: number, room: number) => {
      const [k, v] = [new Float32Array(3 * room).fill(9), new Float32Array(2 * room).fill(9)]
      return { count: from.tokensFrom(first, k, v), k, v }
    }
    const alike = [stream, stream.fork() as typeof stream, restoreExactStream(stream.toBytes())]
    for (const own of alike)
      for (const [first, room] of [
        [0, 700],
        [63, 130],
        [64, 1],
        [640, 60],
      ]) {
        const { count, k, v } = read(own, first, room)
        expect(count).toBe(room)
        expect(k).toEqual(rowsOf(keys, first, first + room).data)
        expect(v).toEqual(rowsOf(values, first, first + room).data)
      }
    const end = read(stream, 690, 20)
    expect([end.count, end.k.at(30), end.v.at(20)]).toEqual([10, 9, 9])
    expect(read(stream, 700, 5).count).toBe(0)
    stream.reset()
    expect(read(stream, 0, 5).count).toBe(0)
    const window = exactStream({ ...shape, window: 16 })
    window.push({ keys, values })
    expect(read(window, 0, 5).count).toBe(0)
    expect(read(window, 690, 5).k).toEqual(rowsOf(keys, 690, 695).data)
  })
  test.prop(
    [
      fc.array(fc.record({ n: fc.nat(150), weighted: fc.boolean() }), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.integer({ min: 1, max: 3 }),
    ],
    { seed: 1, numRuns: 30 },
  )('equals float64 attention with weights, in blocks with and without', (blocks, seed, groups) => {
    const n = blocks.reduce((sum, block) => sum + block.n, 0)
    const [queries, keys, values] = [random(n * groups, 3, seed, 2), random(n, 3, seed + 1, 2), random(n, 2, seed + 2)]
    const weights = random(n, 1, seed + 3).data.map((x) => 2 ** (8 * x))
    const stream = exactStream(shape)
    let at = 0
    for (const block of blocks) {
      const to = at + block.n
      if (!block.weighted) weights.fill(1, at, to)
      const own = rowsOf(queries, at * groups, to * groups)
      const part = { keys: rowsOf(keys, at, to), values: rowsOf(values, at, to) }
      const start = at
      const got = normalise(stream.step(block.weighted ? { ...part, weights: weights.subarray(at, to) } : part, own))
      const wanted = softmaxOracle(own, keys, values, 0.7, (row) => start + Math.floor(row / groups) + 1, weights)
      expect(distance(got.data, wanted)).toBeLessThan(1e-5)
      at = to
    }
    const asked = random(5, 3, seed + 4, 2)
    expect(
      distance(
        normalise(stream.attend(asked)).data,
        softmaxOracle(asked, keys, values, 0.7, () => n, weights),
      ),
    ).toBeLessThan(1e-5)
  })

  it('is exactAttention, over several of the largest pages', () => {
    const n = 10_000
    const [queries, keys, values] = [random(7, 3, 1), random(n, 3, 2), random(n, 2, 3)]
    const stream = exactStream(shape)
    stream.push({ keys: rowsOf(keys, 0, 4500), values: rowsOf(values, 0, 4500) })
    stream.push({ keys: rowsOf(keys, 4500), values: rowsOf(values, 4500) })
    expect(
      distance(normalise(stream.attend(queries)).data, exactAttention({ queries, keys, values, scale: 0.7 }).data),
    ).toBeLessThan(2e-6)
    expect(stream.bytes).toBeGreaterThanOrEqual(n * 5 * 4)
    expect(stream.bytes).toBeLessThanOrEqual((n + 4096) * 5 * 4)
  })

  it('takes weights from the smallest float32 to the largest that are not refused', () => {
    const stream = exactStream({ d: 1, dv: 1, scale: 1 })
    const block = { keys: random(3, 1, 1, 0), values: random(3, 1, 2), weights: Float32Array.of(2 ** -100, 2 ** 53, 1) }
    stream.push(block)
    expect(distance(normalise(stream.attend(random(1, 1, 1))).data, [block.values.data[1]])).toBeLessThan(1e-6)
  })

  it('refuses shapes that are none', () => {
    for (const [change, message] of [
      [{ d: 0 }, 'exactStream: d must be an integer >= 1, got 0'],
      [{ dv: 1.5 }, 'exactStream: dv must be an integer >= 1, got 1.5'],
      [{ scale: Infinity }, 'exactStream: scale must be a finite number, got Infinity'],
    ] as const) {
      expect(() => exactStream({ ...shape, ...change })).toThrow(expect.objectContaining({ message }))
    }
    expect(() => exactStream({ ...shape, d: '3' as never })).toThrow(TypeError)
  })

  it('refuses snapshots whose parts do not fit', () => {
    const stream = exactStream(shape)
    stream.push({ keys: random(5, 3, 1), values: random(5, 2, 2), weights: new Float32Array(5).fill(2) })
    const { version, parameters, tensors } = decodeSnapshot(stream.toBytes())
    const made = (change: Record<string, string>, other: object = {}, kind = 'exact') =>
      encodeSnapshot({
        kind,
        version,
        parameters: { ...parameters, ...change },
        tensors: { ...Object.fromEntries(tensors), ...other },
      })
    const hostile = [
      made({}, {}, 'feature'),
      made({ d: '0' }),
      made({ d: '4' }),
      made({ d: 'NaN' }),
      made({ dv: '1' }),
      made({ scale: '1e999' }),
      made({ d: '9007199254740991' }),
      made({}, { logWeights: f32(0, 0) }),
      made({}, { logWeights: f32(0, 0, 0, 0, NaN) }),
      made({}, { logWeights: f32(0, 0, 0, 0, Infinity) }),
      made({}, { keys: f32(...Array(14).fill(0), NaN) }),
      made({}, { values: f32(...Array(9).fill(0), -Infinity) }),
      made({}, { values: { dtype: 'F64' as const, shape: [10], data: new Float64Array(10) } }),
    ]
    for (const bytes of hostile) expect(() => restoreExactStream(bytes)).toThrow(RangeError)
    expect(restoreExactStream(made({})).toBytes()).toEqual(stream.toBytes())
  })

  it.each([
    ['linear', {}],
    ['linear', { softcap: 3 }],
    ['linear', { sinkLogit: 1 }],
    ['ordered', { slope: 0.5 }],
    ['ordered', { rotary: { base: 50, pairing: 'halves' } }],
    ['none', { window: 9 }],
    ['none', { window: 9, slope: 0.5 }],
  ] as const)('merges as %s where places make it so: %o', (merging, head) => {
    const shaped = { d: 4, dv: 2, scale: 0.7, ...head }
    const [one, other] = [exactStream(shaped), exactStream(shaped)]
    expect([one.merging, restoreExactStream(one.toBytes()).merging, one.fork().merging]).toEqual([merging, merging, merging]) // prettier-ignore
    other.push({ keys: random(5, 4, 1), values: random(5, 2, 2) })
    if (merging === 'none') expect(() => one.merge(other)).toThrow('exact: cannot merge, merging is none')
    else one.merge(other)
    expect(one.tokens).toBe(merging === 'none' ? 0 : 5)
  })

  it('can be let go at once', () => {
    const stream = exactStream(shape)
    stream.push({ keys: random(70, 3, 1), values: random(70, 2, 2) })
    stream[Symbol.dispose]()
    const block = { keys: random(1, 3, 1), values: random(1, 2, 2) }
    for (const use of [
      () => stream.push(block),
      () => stream.step(block, random(1, 3, 3)),
      () => stream.attend(random(1, 3, 3)),
      () => stream.merge(exactStream(shape)),
      () => stream.toBytes(),
    ]) {
      expect(use).toThrow('exact: this stream was disposed')
    }
  })
})
