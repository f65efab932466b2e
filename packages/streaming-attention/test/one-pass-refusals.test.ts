// What a one-pass state refuses. Kills: a key after a query, denominators of one shard used for another, a row of V missing, a check after the state was touched.
import { amsSketch } from '@sublinear/ams-sketch'
import { matrix, rowsOf, type Matrix } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { osnap, srht } from '@sublinear/sparse-sketch'
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

const noPhi = () => onePass({ features, dv, psi })

const last = (key: Matrix) => matrix(300, 2, Float32Array.of(...new Float32Array(598), ...key.data))

describe('is refused, and changes nothing', () => {
  const nan = matrix(1, 3, Float32Array.of(0, NaN, 0))
  const nanRow = matrix(1, 2, Float32Array.of(0, NaN))
  const big = matrix(1, 2, Float32Array.of(2 ** 40, 1)) // its square is beyond 2^64
  const calls: [string, () => OnePass, (stream: OnePass) => unknown, string | RegExp][] = [
    ['a key after a query', asked, (s) => s.pushKeys(keys, n), 'onePass: keys must come before the first query'],
    ['a query before any key', make, (s) => s.pushQueries(queries), 'onePass: queries must come after all keys'],
    [
      'a key without a value',
      () => pushed(1, 0),
      (s) => s.attend(queries),
      'must be the same rows, got 1 keys, 0 values',
    ],
    ['another value than key', () => pushed(1, 1, 5), (s) => s.attend(queries), 'got 1 of each, but not the same'],
    ['a value twice', () => twice(), (s) => s.attend(queries), 'got 260 of each, but not the same'],
    ['columns of half the values', () => pushed(2, 1), (s) => s.columns(), 'got 2 keys, 1 values'],
    ['a query without Φ', noPhi, (s) => filled(s).pushQueries(queries), 'onePass: pushQueries needs phi'],
    ['a column without Φ', noPhi, (s) => s.columns(), 'onePass: columns needs phi'],
    ['a key of another width', filled, (s) => s.pushKeys(values), 'onePass: keys must have 2 columns, got 3'],
    ['a value of another width', filled, (s) => s.pushValues(keys), 'onePass: values must have 3 columns, got 2'],
    ['a query of another width', asked, (s) => s.pushQueries(values), 'query-sketch: queries must have 2 columns'],
    ['a question of another width', filled, (s) => s.attend(values), 'onePass: queries must have 2 columns, got 3'],
    ['NaN in a value', filled, (s) => s.pushValues(nan), 'onePass: values must be finite, got NaN at row 0, column 1'],
    ['NaN in a key', filled, (s) => s.pushKeys(nanRow), 'onePass: keys must be finite, got NaN at row 0, column 1'],
    [
      'NaN in a query',
      asked,
      (s) => s.pushQueries(nanRow),
      'query-sketch: queries must be finite, got NaN at row 0, column 1',
    ],
    [
      'NaN in a question',
      asked,
      (s) => s.attend(nanRow),
      'onePass: queries must be finite, got NaN at row 0, column 1',
    ],
    [
      'a key of ∞',
      filled,
      (s) => s.pushKeys(matrix(1, 2, Float32Array.of(1, Infinity))),
      'onePass: keys must be finite',
    ],
    ['features beyond float32', filled, (s) => s.pushKeys(big), 'onePass: features of keys must be at most 2^64'],
    ['the same in a later piece', make, (s) => s.pushKeys(last(big)), 'onePass: features of keys must be at most 2^64'],
    ['a row that is no index', filled, (s) => s.pushKeys(keys, -1), 'onePass: first must be an integer >= 0, got -1'],
    ['half a row', filled, (s) => s.pushValues(values, 0.5), 'onePass: first must be an integer >= 0, got 0.5'],
    [
      'a query beyond Φ',
      asked,
      (s) => s.pushQueries(queries, 1),
      'first + queries.rows must be an integer from 0 to 300',
    ],
    ['no block', filled, (s) => s.pushKeys(any(undefined)), 'onePass: keys must be a Matrix'],
    [
      'a correction of another width',
      filled,
      (s) => s.updateValue(0, new Float32Array(2)),
      'onePass: scale · row must',
    ],
    [
      'a correction by ∞',
      filled,
      (s) => s.updateValue(0, new Float32Array(3), Infinity),
      'onePass: scale must be a finite',
    ],
    [
      'a correction of row −1',
      filled,
      (s) => s.updateValue(-1, new Float32Array(3)),
      'onePass: index must be an integer',
    ],
    [
      'a correction in plain numbers',
      filled,
      (s) => s.updateValue(0, any([1, 2, 3])),
      'onePass: row must be a Float32Array',
    ],
    ['a merge with nothing', filled, (s) => s.merge(any({})), 'onePass: cannot merge'],
    [
      'a merge once the other has queries',
      filled,
      (s) => s.merge(other()),
      'the keys or values differ: merge the shards first',
    ],
    ['a merge with queries and other values', asked, (s) => s.merge(otherValues()), 'merge the shards first'],
    [
      'a merge once there are queries',
      asked,
      (s) => s.merge(pushed(2, 2)),
      'the keys or values differ: merge the shards first',
    ],
  ]
  const otherValues = () => {
    const stream = make()
    stream.pushKeys(keys)
    stream.pushValues(random(n, dv, 9))
    return stream
  }
  const pushed = (keyRows: number, valueRows: number, from = 0) => {
    const stream = make()
    stream.pushKeys(rowsOf(keys, 0, keyRows))
    stream.pushValues(rowsOf(values, 0, valueRows), from)
    return stream
  }
  const twice = () => {
    const stream = make()
    stream.pushKeys(keys)
    stream.pushValues(rowsOf(values, 0, n - 1))
    stream.pushValues(rowsOf(values, 0, 1), 7)
    return stream
  }
  const other = () => {
    const stream = pushed(3, 3)
    stream.pushQueries(queries)
    return stream
  }

  it.each(calls)('%s', (_, start, call, message) => {
    const stream = start()
    const kept = stream.toBytes()
    const before = message.toString().includes('needs phi') ? undefined : kept
    expect(() => call(stream)).toThrow(message)
    expect(() => call(stream)).toThrow(/^[a-zA-Z-]+: /)
    if (before) expect(stream.toBytes()).toEqual(before)
  })

  it.each<[string, () => OnePass]>([
    ['features', () => onePass({ features: taylorFeatures({ d, degree: 3, scale: 0.5 }), dv, psi, phi })],
    ['dv', () => onePass({ features, dv: 2, psi, phi })],
    ['controlVariate', () => onePass({ features, dv, psi, phi, controlVariate: false })],
    ['psi', () => onePass({ features, dv, psi: amsSketch({ m: 32, seed: 1 }), phi })],
    ['psi.m', () => onePass({ features, dv, psi: osnap({ m: 36, nonzeros: 4, seed: 1 }), phi })],
    ['psi.seed', () => onePass({ features, dv, psi: osnap({ m: 32, nonzeros: 4, seed: 2 }), phi })],
    ['phi', () => onePass({ features, dv, psi })],
    [
      'phi.seed',
      () => onePass({ features, dv, psi, phi: fullScanRecovery({ n: 300, k: 8, hashes: 3, width: 40, seed: 3 }) }),
    ],
    [
      'phi.k',
      () => onePass({ features, dv, psi, phi: fullScanRecovery({ n: 300, k: 7, hashes: 3, width: 40, seed: 2 }) }),
    ],
  ])('a partner with another %s, by name', (name, partner) => {
    const stream = filled()
    const kept = stream.toBytes()
    expect(() => stream.merge(partner())).toThrow(`onePass: ${name} differs: `)
    expect(stream.toBytes()).toEqual(kept)
    if (name !== 'dv' && name !== 'controlVariate')
      expect(() => restore(partner().toBytes())).toThrow(`restoreOnePass: ${name} differs: `)
  })

  it.each<[string, () => unknown, RegExp]>([
    ['no Ψ', () => onePass({ features, dv, psi: any(undefined) }), /^onePass: psi must be a SketchMatrix/],
    [
      'a Φ that cannot decode',
      () => onePass({ features, dv, psi, phi: any({}) }),
      /^onePass: phi must be a SparseRecovery/,
    ],
    ['dv = 0', () => onePass({ features, dv: 0, psi }), /^onePass: dv must be an integer >= 1, got 0/],
    [
      'a control variate in words',
      () => onePass({ features, dv, psi, controlVariate: any('no') }),
      /must be true or false/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message)
  })

  it('indices beyond a Ψ of n columns', () => {
    const stream = onePass({ features, dv, psi: srht({ m: 8, n: 100, seed: 1 }) })
    expect(() => stream.pushKeys(rowsOf(keys, 0, 101))).toThrow(
      'onePass: first + keys.rows must be an integer from 0 to 100',
    )
    expect(() => stream.updateValue(100, new Float32Array(3))).toThrow('onePass: index must be an integer from 0 to 99')
  })
})
