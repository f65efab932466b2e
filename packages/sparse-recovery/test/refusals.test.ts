// Messages of refusals, and what is counted in bytes. Kills: a check left out or of another name, a bound one off, the snapshot of another kind taken for one's own, bytes of
// a part that are subtracted or forgotten.
import { decodeSnapshot, encodeSnapshot, matrix } from '@sublinear/core'
import { keyHash } from '@sublinear/hash-families'
import { expect, it } from 'vitest'
import {
  exactRecovery,
  exactRecoveryTables,
  frequentItems,
  heavyHitters,
  recoveryRows,
  restoreExactRecovery,
  restoreFrequentItems,
  restoreHeavyHitters,
  sparseRecovery,
} from '../src'

const any = (value: unknown) => value as never
const few = { n: 1000, k: 4, delta: 0.01, seed: 1 }
const hitters = { n: 100_003, k: 8, epsilon: 0.5, seed: 1 }
const exact = exactRecovery(few)
const stream = heavyHitters(hitters)
const items = frequentItems({ count: 4 })
const recovery = sparseRecovery(hitters)
const stored = sparseRecovery({ ...hitters, n: 50 })

it.each<[string, () => unknown]>([
  ['exactRecovery: n must be an integer from 1 to 4294967296, got 0', () => exactRecovery({ ...few, n: 0 })],
  [
    'exactRecovery: n must be an integer from 1 to 4294967296, got 4294967297',
    () => exactRecovery({ ...few, n: 2 ** 32 + 1 }),
  ],
  ['exactRecovery: k must be an integer from 1 to 262144, got 0', () => exactRecovery({ ...few, k: 0 })],
  ['exactRecovery: k must be an integer from 1 to 262144, got 262145', () => exactRecovery({ ...few, k: 2 ** 18 + 1 })],
  ['exactRecovery: seed must be an integer >= 0, got -1', () => exactRecovery({ ...few, seed: -1 })],
  ['exactRecoveryTables: delta must be a finite number > 0, got 0', () => exactRecovery({ ...few, delta: 0 })],
  ['exactRecoveryTables: delta must be below 1, got 1', () => exactRecovery({ ...few, delta: 1 })],
  [
    'exactRecoveryTables: k must be an integer from 1 to 262144, got 0',
    () => exactRecoveryTables({ k: 0, delta: 0.1 }),
  ],
  [
    'exactRecoveryTables: k must be an integer from 1 to 262144, got 262145',
    () => exactRecoveryTables({ k: 2 ** 18 + 1, delta: 0.1 }),
  ],
  ['exactRecovery: index must be an integer from 0 to 999, got 1000', () => exact.update(1000, 1)],
  ['exactRecovery: index must be an integer from 0 to 999, got -1', () => exact.update(-1, 1)],
  ['exactRecovery: change must be an integer >= -9007199254740991, got 0.5', () => exact.update(0, 0.5)],
  ['exactRecovery: cannot merge, the other is not one', () => exact.merge(any(null))],
  ['exactRecovery: cannot merge, the other is not one', () => exact.merge(any({ toBytes: 5 }))],
  ['exactRecovery: cannot merge, the other is not one', () => exact.merge(any(7))],
  ['exactRecovery: n differs: 1000 here, 1001 there', () => exact.merge(exactRecovery({ ...few, n: 1001 }))],
  ['exactRecovery: k differs: 4 here, 5 there', () => exact.merge(exactRecovery({ ...few, k: 5 }))],
  ['exactRecovery: delta differs: 0.01 here, 0.1 there', () => exact.merge(exactRecovery({ ...few, delta: 0.1 }))],
  ['exactRecovery: seed differs: 1 here, 2 there', () => exact.merge(exactRecovery({ ...few, seed: 2 }))],
  ['frequentItems: count must be an integer from 2 to 16777216, got 1', () => frequentItems({ count: 1 })],
  [
    'frequentItems: count must be an integer from 2 to 16777216, got 16777217',
    () => frequentItems({ count: 2 ** 24 + 1 }),
  ],
  [
    'frequentItems: keyBytes must be an integer from 0 to 65536, got 65537',
    () => frequentItems({ count: 2, keyBytes: 65_537 }),
  ],
  [
    'frequentItems: keyBytes must be an integer from 0 to 65536, got -1',
    () => frequentItems({ count: 2, keyBytes: -1 }),
  ],
  ['frequentItems: weight must be an integer >= 1, got 0', () => items.update(1, 0)],
  ['frequentItems: key must be an integer >= 0, got -1', () => items.update(-1)],
  ['frequentItems: key must be an integer >= 0, got 0.5', () => items.bounds(0.5)],
  ['frequentItems: key must be an integer >= 0, got NaN', () => items.update(NaN)],
  [
    'frequentItems: key must be an integer from 0 to 9007199254740991, got 9007199254740992',
    () => items.update(2 ** 53),
  ],
  [
    'frequentItems: key must be well-formed, of at most 64 bytes (or take hashKey of it)',
    () => items.update('x'.repeat(65)),
  ],
  ['bytesOfKey: key must be a string, a Uint8Array or a bigint, got object', () => items.bounds(any({}))],
  ['frequentItems: limit must be an integer >= 0, got -1', () => items.top(-1)],
  ['frequentItems: cannot merge, the other is not one', () => items.merge(any(null))],
  ['frequentItems: cannot merge, the other is not one', () => items.merge(any({ toBytes: 1 }))],
  ['frequentItems: count differs: 4 here, 5 there', () => items.merge(frequentItems({ count: 5 }))],
  ['frequentItems: keyBytes differs: 64 here, 3 there', () => items.merge(frequentItems({ count: 4, keyBytes: 3 }))],
  [
    'heavyHitters: keyBytes must be an integer from 0 to 65536, got 65537',
    () => heavyHitters({ ...hitters, keyBytes: 65_537 }),
  ],
  [
    'heavyHitters: keyBytes must be an integer from 0 to 65536, got -1',
    () => heavyHitters({ ...hitters, keyBytes: -1 }),
  ],
  [
    'heavyHitters: n must be an integer from 1 to 4294967296, got 4294967297',
    () => heavyHitters({ ...hitters, n: 2 ** 32 + 1 }),
  ],
  ['heavyHitters: k must be an integer from 1 to 100003, got 100004', () => heavyHitters({ ...hitters, k: 100_004 })],
  ['heavyHitters: epsilon must be a finite number > 0, got 0', () => heavyHitters({ ...hitters, epsilon: 0 })],
  ['heavyHitters: epsilon must be at most 1, got 1.01', () => heavyHitters({ ...hitters, epsilon: 1.01 })],
  [
    'heavyHitters: 4k/epsilon must be an integer from 1 to 1048576, got 1048584',
    () => heavyHitters({ n: 2 ** 32, k: 131_073, epsilon: 0.5, seed: 1 }),
  ],
  ['heavyHitters: change must be a finite number, got NaN', () => stream.update(1, NaN)],
  [`heavyHitters: change must be at most 2^900 in magnitude, got ${-(2 ** 901)}`, () => stream.update(1, -(2 ** 901))],
  ['heavyHitters: index must be an integer from 0 to 100002, got 100003', () => stream.update(100_003)],
  ['heavyHitters: index must be an integer from 0 to 100002, got -1', () => stream.estimate(-1)],
  ['heavyHitters: count must be an integer >= 0, got -1', () => stream.top(-1)],
  ['heavyHitters: delta must be a finite number > 0, got 0', () => stream.top(1, { delta: 0 })],
  ['heavyHitters: delta must be below 1, got 1', () => stream.bounds(1, { delta: 1 })],
  ['heavyHitters: above must be a finite number > -1e-300, got -1', () => stream.top(1, { above: -1 })],
  ['heavyHitters: cannot merge, the other is not one', () => stream.merge(any(null))],
  ['heavyHitters: cannot merge, the other is not one', () => stream.merge(any({ measured: [1] }))],
  ['heavyHitters: seed differs: 1 here, 2 there', () => stream.merge(heavyHitters({ ...hitters, seed: 2 }))],
  ['heavyHitters: keyBytes differs: 64 here, 8 there', () => stream.merge(heavyHitters({ ...hitters, keyBytes: 8 }))],
  ['recoveryRows: n must be an integer from 1 to 4294967296, got 0', () => recoveryRows({ ...hitters, n: 0 })],
  ['sparseRecovery: k must be an integer from 1 to 100003, got 0', () => sparseRecovery({ ...hitters, k: 0 })],
  ['sparseRecovery: seed must be an integer >= 0, got -1', () => sparseRecovery({ ...hitters, seed: -1 })],
  ['sparseRecovery: measured must be a Float32Array or a Float64Array', () => recovery.decode(any([1]))],
  [`sparseRecovery: measured must have ${recovery.m} entries, got 3`, () => recovery.decodeWide(new Float32Array(3))],
  [
    'sparseRecovery: measured must be finite, at most 2^1000 in magnitude, got NaN at row 2',
    () => recovery.decode(new Float64Array(recovery.m).fill(NaN, 2)),
  ],
  [
    'stored-vector/50: first + block.rows must be an integer from 0 to 50, got 51',
    () => stored.matrix.accumulate(matrix(50, 1), matrix(2, 1), 49),
  ],
  [
    'stored-vector/50: first must be an integer >= 0, got -1',
    () => stored.matrix.accumulate(matrix(50, 1), matrix(2, 1), -1),
  ],
  ['stored-vector/50: into must have 50 rows, got 49', () => stored.matrix.accumulate(matrix(49, 1), matrix(2, 1), 0)],
  [
    'energy-trees/100003/8/0.5: first + block.rows must be an integer from 0 to 100003, got 100004',
    () => recovery.matrix.accumulate(matrix(recovery.m, 1), matrix(2, 1), 100_002),
  ],
  [
    'energy-trees/100003/8/0.5: first must be an integer >= 0, got -1',
    () => recovery.matrix.accumulate(matrix(recovery.m, 1), matrix(2, 1), -1),
  ],
])('%s', (message, call) => {
  expect(call).toThrow(expect.objectContaining({ message }))
})

it('what is at an end is taken', () => {
  const one = exactRecovery({ n: 2 ** 32, k: 1, delta: 0.5, seed: 0 })
  one.update(2 ** 32 - 1, -Number.MAX_SAFE_INTEGER)
  expect([...one.decode()!.values]).toEqual([-Number.MAX_SAFE_INTEGER])
  expect(frequentItems({ count: 2, keyBytes: 65_536 }).keyBytes).toBe(65_536)
  const last = heavyHitters({ ...hitters, epsilon: 1, keyBytes: 0 })
  last.update(100_002, -(2 ** 900))
  expect(last.estimate(100_002)).toBe(-(2 ** 900))
  expect(stream.top(1, { above: 0 })).toEqual([])
  const into = matrix(50, 1)
  stored.matrix.accumulate(into, matrix(2, 1, Float32Array.of(4, 5)), 48)
  expect([...into.data.subarray(47)]).toEqual([0, 4, 5])
})

it('a merge reads the snapshot of its own kind alone', () => {
  const one = exactRecovery(few)
  one.update(3, 5)
  const { kind, version, parameters, tensors } = decodeSnapshot(one.toBytes())
  const saved = { kind, version, parameters, tensors: Object.fromEntries(tensors) }
  const other = (change: object) => ({ ...one, toBytes: () => encodeSnapshot({ ...saved, ...change }) })
  const kept = one.toBytes()
  for (const change of [{ kind: 'other' }, { version: '9' }]) expect(() => one.merge(other(change))).toThrow(RangeError)
  expect(one.toBytes()).toEqual(kept)
  one.merge(other({}))
  expect([...one.decode()!.values]).toEqual([10])
})

it('bytes are those of every part', () => {
  const { matrix: phi } = recovery
  const hash = keyHash({ seed: 1 })
  expect(stream.bytes).toBe(8 * stream.m + 2 * 8 * 64 + phi.bytes + hash.bytes)
  const numbers = frequentItems({ count: 100 })
  const before = numbers.bytes
  expect(before).toBe(100 * 24 + 4 * 256) // and a table of numbers that is at most half full
  for (let i = 0; i < 1000; i++) numbers.update(i)
  expect(numbers.bytes).toBe(before)
  numbers.update('x')
  expect(numbers.bytes).toBe(before + 100 * 64)
  const back = restoreFrequentItems(numbers.toBytes())
  expect(back.bytes).toBe(before + 100 * 64)
  const { tables, cells } = exactRecoveryTables(few)
  expect(exact.m).toBe(3 * tables * cells)
  // hashes of 16 coefficients, three tables each, and four tables of the powers of a point
  expect(exact.bytes).toBe(8 * exact.m + Math.ceil(tables / 3) * 16 * 8 + 4 * 256 * 8)
})

it('snapshots are refused in the name of whoever reads them', () => {
  for (const [restore, bytes] of [
    [restoreExactRecovery, exact.toBytes()],
    [restoreFrequentItems, items.toBytes()],
    [restoreHeavyHitters, stream.toBytes()],
  ] as const) {
    const { kind, parameters, tensors } = decodeSnapshot(bytes)
    const tensor = Object.fromEntries(tensors)
    const other = (change: object) => () =>
      restore(encodeSnapshot({ kind, version: '1', parameters, tensors: tensor, ...change }))
    expect(other({ version: '77' })).toThrow(RangeError)
    expect(other({ kind: 'other' })).toThrow(RangeError)
    expect(other({ tensors: {} })).toThrow(RangeError)
  }
})
