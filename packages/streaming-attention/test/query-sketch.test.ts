// ΦD⁻¹U₁ by itself, and the ledger of rows, against definitions. Kills: denominators of other keys accepted, z kept by reference, a shard's
// queries not counted, an index of Φ lost between pieces, sets of rows that differ by one row, one index or one repetition and still match.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf } from '@sublinear/core'
import { distance, random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { describe, expect, it } from 'vitest'
import { featureStream, querySketch, restoreQuerySketch } from '../src'
import { rowLedger } from '../src/row-ledger'
import { column, dot, taylorShares } from './truth'

const any = (value: unknown) => value as never
const [d, dv, n] = [3, 2, 400]
const features = taylorFeatures({ d, degree: 4, scale: 1 })
const phi = sparseRecovery({ n: 600, k: 600, epsilon: 0.5, seed: 1 }) // as many measurements as rows: decoding is exact
const [queries, keys, values] = [random(600, d, 1), random(n, d, 2), random(n, dv, 3)]
const stream = featureStream({ features, dv })
stream.push({ keys, values })
const moments = stream.moments()
const core = matrix(features.t, dv, moments.state)

describe('a query sketch', () => {
  it('with exact moments and an exact Φ has the columns of attention, all of them', () => {
    const sketched = querySketch({ features, phi })
    sketched.push(rowsOf(queries, 300), moments, 300)
    sketched.push(rowsOf(queries, 0, 300), moments, 0)
    const shares = taylorShares(queries, keys, 1, 4)
    for (const [c, { indices, values: found, length }] of sketched.columns(core).entries()) {
      const v = column(values, c)
      const wanted = shares.map((p) => dot(p, v))
      expect(length).toBe(600)
      expect(
        distance(
          [...indices].map((i) => wanted[i]),
          found,
        ),
      ).toBeLessThan(2e-6)
      expect(indices.length).toBe(600)
    }
    expect([sketched.queries, sketched.fallbacks]).toEqual([600, 0])
  })

  it('refuses denominators of other keys, and keeps its own', () => {
    const sketched = querySketch({ features, phi })
    const mine = { totals: moments.totals.slice(), weight: n }
    sketched.push(rowsOf(queries, 0, 5), mine)
    mine.totals[0] += 1
    const kept = sketched.toBytes()
    const refused = 'query-sketch: all queries must follow all keys, and the keys changed after the first query'
    expect(() => sketched.push(rowsOf(queries, 5, 6), mine)).toThrow(refused)
    expect(() => sketched.push(rowsOf(queries, 5, 6), { ...moments, weight: n + 1 })).toThrow(refused)
    const other = querySketch({ features, phi })
    other.push(rowsOf(queries, 5, 6), { ...mine })
    expect(() => sketched.merge(other)).toThrow('query-sketch: the denominators differ')
    expect(sketched.toBytes()).toEqual(kept)
    sketched.push(rowsOf(queries, 5, 6), moments)
    expect(sketched.queries).toBe(6)
  })

  test.prop([fc.nat(600), fc.nat(600)], { seed: 1, numRuns: 15 })(
    'is the merge of its shards, and resumes bit for bit',
    (a, b) => {
      const [whole, one, two] = [0, 1, 2].map(() => querySketch({ features, phi }))
      const cut = Math.min(a, b)
      whole.push(queries, moments)
      one.push(rowsOf(queries, 0, cut), moments)
      two.push(rowsOf(queries, cut), moments, cut)
      const again = restoreQuerySketch({ features, phi }, one.toBytes())
      expect(again.toBytes()).toEqual(one.toBytes())
      again.merge(two)
      expect(again.queries).toBe(600)
      const empty = querySketch({ features, phi })
      empty.merge(again)
      if (cut < 600)
        expect(() => empty.push(rowsOf(queries, 0, 1), { ...moments, weight: 1 }, 0)).toThrow('keys changed')
      for (const [c, { values }] of empty.columns(core).entries())
        expect(distance(values, whole.columns(core)[c].values)).toBeLessThan(2e-6)
      again.push(rowsOf(queries, 0, 1), moments, 0)
      const later = restoreQuerySketch({ features, phi }, again.toBytes())
      for (const each of [again, later]) each.push(rowsOf(queries, 9, 40), moments, 9)
      expect(later.toBytes()).toEqual(again.toBytes())
    },
  )

  it('refuses what does not fit, and stays as it was', () => {
    const sketched = querySketch({ features, phi })
    sketched.push(rowsOf(queries, 0, 70), moments)
    const kept = sketched.toBytes()
    const calls: [() => unknown, string][] = [
      [() => sketched.push(values, moments), 'query-sketch: queries must have 3 columns, got 2'],
      [() => sketched.push(queries, moments, 1), 'query-sketch: first + queries.rows must be an integer from 0 to 600'],
      [() => sketched.push(queries, { totals: new Float64Array(3), weight: 1 }, 0), 'keys.totals must have 35 entries'],
      [() => sketched.push(queries, any({ totals: [], weight: 1 }), 0), 'keys.totals must be a Float64Array'],
      [() => sketched.push(queries, { ...moments, weight: 0 }, 0), 'queries must follow keys, and their weight is 0'],
      [() => sketched.columns(matrix(34, 2)), 'query-sketch: core must have 35 rows, got 34'],
      [() => sketched.columns(matrix(35, 1, new Float32Array(35).fill(NaN))), 'core must be finite'],
      [() => sketched.merge(any({})), 'query-sketch: cannot merge, the other is not a query sketch'],
      [
        () => sketched.merge(querySketch({ features, phi: sparseRecovery({ n: 600, k: 600, epsilon: 0.5, seed: 2 }) })),
        'query-sketch: phi.seed differs: 1 here, 2 there',
      ],
    ]
    for (const [call, message] of calls) expect(call).toThrow(message)
    expect(sketched.toBytes()).toEqual(kept)
    expect(() => querySketch({ features, phi: any(undefined) })).toThrow('query-sketch: phi must be a SparseRecovery')
  })

  it('refuses snapshots whose parts do not fit', () => {
    const sketched = querySketch({ features, phi })
    sketched.push(rowsOf(queries, 0, 70), moments)
    const { parameters, tensors } = decodeSnapshot(sketched.toBytes())
    const made = (change: Record<string, string>, other: object = {}) =>
      encodeSnapshot({
        kind: 'query-sketch',
        version: '1',
        parameters: { ...parameters, ...change },
        tensors: any({ ...Object.fromEntries(tensors), ...other }),
      })
    const f64 = { dtype: 'F64', shape: [3], data: new Float64Array(3) }
    const restore = (bytes: Uint8Array) => () => restoreQuerySketch({ features, phi }, bytes)
    for (const change of [{ queries: '-1' }, { queries: '0' }, { weight: 'NaN' }, { 'phi.k': '3' }, { features: '' }])
      expect(restore(made(change as never))).toThrow(RangeError)
    expect(restore(made({}, { totals: f64 }))).toThrow('restoreQuerySketch: the tensors do not fit the parameters')
    expect(restore(made({}))().toBytes()).toEqual(sketched.toBytes())
  })
})

const of = (...rows: number[]) => {
  const ledger = rowLedger()
  for (const row of rows) ledger.add(row, 1)
  return ledger
}

describe('a ledger of rows', () => {
  const sets = fc.array(fc.record({ first: fc.nat(40), count: fc.nat(4) }), { maxLength: 8 })
  test.prop([sets, sets], { seed: 2, numRuns: 300 })('matches where the rows are the same, each as often', (a, b) => {
    const [one, two] = [a, b].map((blocks) => {
      const ledger = rowLedger()
      const rows: number[] = []
      for (const { first, count } of blocks) {
        ledger.add(first, count)
        for (let i = 0; i < count; i++) rows.push(first + i)
      }
      rows.sort((x, y) => x - y)
      return { ledger, rows }
    })
    expect(one.ledger.count).toBe(one.rows.length)
    expect(one.ledger.next).toBe((one.rows.at(-1) ?? -1) + 1)
    if (String(one.rows) === String(two.rows)) expect(one.ledger.matches(two.ledger)).toBe(true)
    const again = rowLedger(one.ledger.text)
    again.merge(two.ledger)
    expect(again.count).toBe(one.rows.length + two.rows.length)
    if (two.rows.length === 0) expect(again.matches(one.ledger)).toBe(true)
  })

  test.prop([fc.uniqueArray(fc.nat(60), { minLength: 1 }), fc.nat(), fc.nat(60)], {
    seed: 3,
    numRuns: 300,
  })('notices one row less, one for another, one twice', (rows, pick, other) => {
    const [one, two] = [rowLedger(), rowLedger()]
    const at = pick % rows.length
    for (const [i, row] of rows.entries()) {
      one.add(row, 1)
      if (i !== at) two.add(row, 1)
    }
    expect(one.matches(two)).toBe(false)
    two.add(other, 1)
    expect(one.matches(two)).toBe(other === rows[at])
  })

  it('tells sets of equal sums apart, and sets of equal squares', () => {
    expect(of(1, 4).matches(of(4, 1))).toBe(true)
    expect(of(1, 4).matches(of(2, 3))).toBe(false)
    expect(of(0, 5).matches(of(3, 4))).toBe(false)
  })

  it('counts to the end of the indices', () => {
    const [one, two] = [rowLedger(), rowLedger()]
    one.add(2 ** 53 - 100, 99)
    for (let i = 2; i <= 100; i++) two.add(2 ** 53 - i, 1)
    expect(one.matches(two)).toBe(true)
    expect(one.next).toBe(2 ** 53 - 1)
    expect(() => rowLedger('1,2')).toThrow('rowLedger: the text must be four whole numbers >= 0')
  })
})
