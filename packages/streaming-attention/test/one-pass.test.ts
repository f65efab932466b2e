// What holds for every linear state, for one that takes keys, values and queries apart. Kills: a default row that a correction moves,
// sums that begin anew at a block or a shard, a buffer lost in a snapshot, a merge that overwrites, changes its partner or forgets Vᵀ1, a
// key after a query, denominators of one shard used for another, a row of V missing, a check after the state was touched.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, rowsOf } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { osnap } from '@sublinear/sparse-sketch'
import { describe, expect, it } from 'vitest'
import { onePass, restoreOnePass, type OnePass } from '../src'
import { fullScanRecovery } from './full-scan-recovery'

const any = (value: unknown) => value as never
const [d, dv, n] = [2, 3, 260]
const features = taylorFeatures({ d, degree: 2, scale: 0.5 })
const psi = osnap({ m: 32, nonzeros: 4, seed: 1 })
const phi = fullScanRecovery({ n: 300, k: 8, hashes: 3, width: 40, seed: 2 })
const make = () => onePass({ features, dv, psi, phi })
const restore = (bytes: Uint8Array) => restoreOnePass({ features, psi, phi }, bytes)
const [queries, keys, values] = [random(300, d, 1), random(n, d, 2), random(n, dv, 3)]

const cuts = fc.array(fc.constantFrom(1, 2, 7, 63, 64, 65, 130), { minLength: 1, maxLength: 5 })
/** first, end of every piece. */
const pieces = (rows: number, sizes: readonly number[]) => {
  const all: [number, number][] = []
  for (let from = 0, i = 0; from < rows; i++) {
    const to = Math.min(rows, from + sizes[i % sizes.length])
    all.push([from, to])
    from = to
  }
  return all
}
const filled = (stream = make()) => {
  stream.pushKeys(keys)
  stream.pushValues(values)
  return stream
}
const asked = () => {
  const stream = filled()
  stream.pushQueries(queries)
  return stream
}
/** Row answers and decoded columns: everything that can be read. */
const read = (stream: OnePass) => [
  ...normalise(stream.attend(queries)).data,
  ...(stream.queries > 0 ? stream.columns().flatMap(({ values }) => [...values]) : []),
]

describe('a one-pass state', () => {
  test.prop([cuts, cuts, cuts], { seed: 1, numRuns: 20 })(
    'is the same bits for any cut of its three streams',
    (keyCuts, valueCuts, queryCuts) => {
      const stream = make()
      for (const [from, to] of pieces(n, keyCuts)) stream.pushKeys(rowsOf(keys, from, to))
      for (const [from, to] of pieces(n, valueCuts)) stream.pushValues(rowsOf(values, from, to))
      for (const [from, to] of pieces(300, queryCuts)) stream.pushQueries(rowsOf(queries, from, to))
      expect(stream.toBytes()).toEqual(asked().toBytes())
      expect([stream.keys, stream.values, stream.queries]).toEqual([n, n, 300])
    },
  )

  test.prop([cuts, cuts, fc.infiniteStream(fc.nat())], { seed: 2, numRuns: 20 })(
    'does not mind the order in which keys and values come, late, interleaved or backwards',
    (keyCuts, valueCuts, order) => {
      const calls = [
        ...pieces(n, keyCuts).map(
          ([from, to]) =>
            (s: OnePass) =>
              s.pushKeys(rowsOf(keys, from, to), from),
        ),
        ...pieces(n, valueCuts).map(
          ([from, to]) =>
            (s: OnePass) =>
              s.pushValues(rowsOf(values, from, to), from),
        ),
      ]
      const stream = make()
      for (const pick of order) {
        if (calls.length === 0) break
        calls.splice(pick % calls.length, 1)[0](stream)
      }
      for (const [from, to] of pieces(300, [70]).toReversed()) stream.pushQueries(rowsOf(queries, from, to), from)
      expect(distance(read(stream), read(asked()))).toBeLessThan(2e-5)
    },
  )

  it('takes values after queries: only keys make denominators', () => {
    const stream = make()
    stream.pushKeys(keys)
    stream.pushQueries(queries)
    stream.pushValues(values)
    expect(stream.toBytes()).toEqual(asked().toBytes())
  })

  test.prop([fc.integer({ min: 2, max: 9 }), fc.infiniteStream(fc.nat()), fc.boolean()], { seed: 3, numRuns: 20 })(
    'is the merge of its shards in any tree, first of tokens, then of queries put to copies',
    (shards, order, apart) => {
      const cut = (s: number, rows: number) => Math.floor((rows * s) / shards)
      const picks = order[Symbol.iterator]()
      const together = (all: OnePass[]) => {
        const waiting = [...all]
        const take = () => waiting.splice(Number(picks.next().value) % waiting.length, 1)[0]
        while (waiting.length > 1) {
          const [one, two] = [take(), take()]
          const kept = two.toBytes()
          one.merge(two)
          expect(two.toBytes()).toEqual(kept)
          waiting.push(one)
        }
        return waiting[0]
      }
      const parts = Array.from({ length: shards }, (_, s) => {
        const stream = make()
        const other = apart ? shards - 1 - s : s // keys and values of different rows in one shard
        stream.pushKeys(rowsOf(keys, cut(s, n), cut(s + 1, n)), cut(s, n))
        stream.pushValues(rowsOf(values, cut(other, n), cut(other + 1, n)), cut(other, n))
        return stream
      })
      const tokens = together(parts)
      const copies = Array.from({ length: shards }, (_, s) => {
        const copy = restore(tokens.toBytes())
        copy.pushQueries(rowsOf(queries, cut(s, 300), cut(s + 1, 300)), cut(s, 300))
        return copy
      })
      const whole = together(copies)
      expect(distance(read(whole), read(asked()))).toBeLessThan(2e-5)
      expect([whole.keys, whole.values, whole.queries]).toEqual([n, n, 300])
    },
  )

  test.prop([fc.nat(n), fc.nat(n), fc.nat(300)], { seed: 4, numRuns: 30 })(
    'resumes from a snapshot bit for bit, wherever it was',
    (keyRows, valueRows, queryRows) => {
      const all = keyRows === n
      const stream = make()
      stream.pushKeys(rowsOf(keys, 0, keyRows))
      stream.pushValues(rowsOf(values, 0, valueRows))
      if (all) stream.pushQueries(rowsOf(queries, 0, queryRows))
      const again = restore(stream.toBytes())
      expect(again.toBytes()).toEqual(stream.toBytes())
      expect(again.bytes).toBe(stream.bytes)
      for (const one of [stream, again]) {
        one.pushKeys(rowsOf(keys, all ? n : keyRows))
        one.pushValues(rowsOf(values, valueRows))
        one.pushQueries(rowsOf(queries, all ? queryRows : 0))
      }
      expect(again.toBytes()).toEqual(stream.toBytes())
      expect(again.toBytes()).toEqual(asked().toBytes())
      expect(read(again)).toEqual(read(stream))
    },
  )

  it('asking changes nothing, and an empty state gives empty answers', () => {
    const stream = asked()
    const kept = stream.toBytes()
    read(stream)
    expect(stream.toBytes()).toEqual(kept)
    expect(
      make()
        .attend(queries)
        .mass.every((mass) => mass === 0),
    ).toBe(true)
    expect(
      make()
        .attend(queries)
        .max.every((max) => max === -Infinity),
    ).toBe(true)
    expect(
      make()
        .columns()[0]
        .values.every((x) => x === 0),
    ).toBe(true)
  })

  it('asked in between, answers for what there is, and is as if it had not been asked', () => {
    const stream = make()
    for (let from = 0; from < n; from += 20) {
      stream.pushKeys(rowsOf(keys, from, from + 20))
      stream.pushValues(rowsOf(values, from, from + 20))
      const now = make()
      now.pushKeys(rowsOf(keys, 0, from + 20))
      now.pushValues(rowsOf(values, 0, from + 20))
      expect(read(stream)).toEqual(read(now))
    }
    const [more, wrong] = [make(), Float32Array.of(1, 2, 3)]
    more.pushKeys(rowsOf(keys, 0, 9))
    more.pushValues(rowsOf(values, 0, 9))
    for (const change of [() => stream.updateValue(4, wrong), () => stream.merge(more)]) {
      const before = read(stream)
      change()
      expect(distance(read(stream), before)).toBeGreaterThan(1e-4)
      expect(read(stream)).toEqual(read(restore(stream.toBytes())))
    }
  })

  it('says where the next row belongs, whatever was corrected', () => {
    const stream = make()
    stream.updateValue(250, new Float32Array(dv).fill(1))
    stream.pushValues(values)
    stream.updateValue(250, new Float32Array(dv).fill(1), -1)
    stream.pushKeys(keys)
    expect(distance(normalise(stream.attend(queries)).data, normalise(filled().attend(queries)).data)).toBeLessThan(
      1e-5,
    )
  })
})

const f64 = (length: number, value = 0) => ({
  dtype: 'F64',
  shape: [length],
  data: new Float64Array(length).fill(value),
})

describe('a snapshot', () => {
  const { parameters, tensors } = decodeSnapshot(asked().toBytes())
  const made = (change: Record<string, string>, tensor: Record<string, unknown> = {}, kind = 'one-pass') =>
    encodeSnapshot({
      kind,
      version: '1',
      parameters: { ...parameters, ...change },
      tensors: any({ ...Object.fromEntries(tensors), ...tensor }),
    })
  const wider = onePass({ features, dv: 4, psi, phi })

  it.each<[string, Uint8Array]>([
    ['kind', made({}, {}, 'feature')],
    ['dv', made({ dv: '0' })],
    ['dv', made({ dv: '4' })],
    ['keys', made({ keys: '260,260,1' })],
    ['keys', made({ keys: '-1,0,0,0' })],
    ['values', made({ values: '1e3,0,0,0' })],
    ['controlVariate', made({ controlVariate: 'false' })],
    ['U₂ᵀ1', made({}, { 'prod(U2)': f64(5) })],
    ['U₂ᵀ1 of NaN', made({}, { 'prod(U2)': f64(6, NaN) })],
    ['Vᵀ1', made({}, { 'sum(V)': f64(4) })],
    ['sketch of U₂', made({}, { 'sk(U2)': tensors.get('sk(V)') })],
    ['sketch of V', made({}, { 'sk(V)': decodeSnapshot(wider.toBytes()).tensors.get('sk(V)') })],
    ['sketch of D⁻¹U₁', made({}, { 'sk(D-1U1)': tensors.get('sk(V)') })],
  ])('with another %s is refused', (_, bytes) => {
    expect(() => restore(bytes)).toThrow(RangeError)
    expect(() => restore(bytes)).toThrow(/^[a-zA-Z]+: /)
  })

  it('that fits is taken, and one cut anywhere is not', () => {
    const bytes = asked().toBytes()
    expect(restore(made({})).toBytes()).toEqual(bytes)
    for (const length of [0, 7, 100, bytes.length - 1])
      expect(() => restore(bytes.slice(0, length))).toThrow(/^safetensors: /)
  })

  it('of a state without Φ comes back without it', () => {
    const stream = onePass({ features, dv, psi })
    stream.pushKeys(keys)
    expect(restoreOnePass({ features, psi }, stream.toBytes()).toBytes()).toEqual(stream.toBytes())
    expect(() => restore(stream.toBytes())).toThrow('restoreOnePass: phi differs: full-scan/3 here, none there')
  })
})

it('huge but finite inputs give no NaN', () => {
  for (const [degree, k, q] of [
    [4, 2 ** 16, 2 ** 50],
    [3, 1e-30, 1e-30],
    [2, 2 ** 31, 2 ** 50],
  ] as const) {
    const wide = taylorFeatures({ d, degree, scale: 1 })
    const stream = onePass({ features: wide, dv, psi, phi })
    stream.pushKeys(random(200, d, 1, k))
    stream.pushValues(random(200, dv, 2, 2 ** 64))
    const asked = random(100, d, 3, q)
    stream.pushQueries(asked)
    const { max, mass, sum } = stream.attend(asked)
    expect(mass.every((x) => x >= 0 && x < Infinity)).toBe(true)
    expect(max.every((x) => x < Infinity)).toBe(true)
    expect(normalise({ max, mass, sum }).data.every(Number.isFinite)).toBe(true)
  }
})
