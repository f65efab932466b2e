// Every border check: its class, its message, and that what is right passes. Kills: a bound off by one, a swapped class, a NaN that
// passes an even or the last entry, a row and column swapped, a message without the offending value, -0 or 2^53 taken wrongly.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import {
  checkBlock,
  checkEntries,
  checkFinite,
  checkInteger,
  checkKeys,
  checkMatrix,
  checkScale,
  checkSeed,
  checkShape,
  checkValues,
  checkSize,
  matrix,
  rowsOf,
  type KvBlock,
  type Matrix,
} from '../src'

const any = (value: unknown) => value as never
const kv = (rows: number, weights?: unknown): KvBlock => ({
  keys: matrix(rows, 2),
  values: matrix(rows, 3),
  ...(weights !== undefined && { weights: any(weights) }),
})

describe('a check throws its class with its message', () => {
  it.each<[() => unknown, typeof TypeError | typeof RangeError, string]>([
    [() => checkInteger('f', 'm', 0, 1), RangeError, 'f: m must be an integer >= 1, got 0'],
    [() => checkInteger('f', 'm', 1.5, 1), RangeError, 'f: m must be an integer >= 1, got 1.5'],
    [() => checkInteger('f', 'm', NaN, 1), RangeError, 'f: m must be an integer >= 1, got NaN'],
    [
      () => checkInteger('f', 'm', 2 ** 53, 1),
      RangeError,
      'f: m must be an integer from 1 to 9007199254740991, got 9007199254740992',
    ],
    [() => checkInteger('f', 'm', 5, 1, 4), RangeError, 'f: m must be an integer from 1 to 4, got 5'],
    [() => checkInteger('f', 'm', '3', 1), TypeError, 'f: m must be an integer >= 1, got "3"'],
    [() => checkInteger('f', 'm', 3n, 1), TypeError, 'f: m must be an integer >= 1, got 3n'],
    [() => checkInteger('f', 'm', undefined, 1), TypeError, 'f: m must be an integer >= 1, got undefined'],
    [() => checkInteger('f', 'm', null, 1), TypeError, 'f: m must be an integer >= 1, got null'],
    [() => checkInteger('f', 'm', [3], 1), TypeError, 'f: m must be an integer >= 1, got an array'],
    [() => checkInteger('f', 'm', new Map(), 1), TypeError, 'f: m must be an integer >= 1, got an object of type Map'],
    [
      () => checkInteger('f', 'm', Object.create(null), 1),
      TypeError,
      'f: m must be an integer >= 1, got an object of type null prototype',
    ],
    [() => checkInteger('f', 'm', () => 3, 1), TypeError, 'f: m must be an integer >= 1, got a function'],
    [() => checkInteger('f', 'm', Symbol('m'), 1), TypeError, 'f: m must be an integer >= 1, got Symbol(m)'],
    [() => checkSize('f', 'rows', -1), RangeError, 'f: rows must be an integer >= 0, got -1'],
    [() => checkFinite('f', 'scale', Infinity), RangeError, 'f: scale must be a finite number, got Infinity'],
    [() => checkFinite('f', 'scale', NaN, 0), RangeError, 'f: scale must be a finite number > 0, got NaN'],
    [() => checkFinite('f', 'scale', 0, 0), RangeError, 'f: scale must be a finite number > 0, got 0'],
    [() => checkFinite('f', 'scale', '1'), TypeError, 'f: scale must be a finite number, got "1"'],
    [() => checkSeed('f', -1n), RangeError, 'f: seed must be from 0 to 2^64 - 1, got -1'],
    [() => checkSeed('f', 1n << 64n), RangeError, 'f: seed must be from 0 to 2^64 - 1, got 18446744073709551616'],
    [() => checkSeed('f', 0.5), RangeError, 'f: seed must be an integer >= 0, got 0.5'],
    [() => checkSeed('f', any('1')), TypeError, 'f: seed must be an integer >= 0, got "1"'],
    [() => checkShape('f', 'a', any(null)), TypeError, 'f: a must be a Matrix with Float32Array data, got null'],
    [() => checkShape('f', 'a', any([1])), TypeError, 'f: a must be a Matrix with Float32Array data, got an array'],
    [
      () => checkShape('f', 'a', { rows: 2, cols: 2, data: new Float32Array(3) }),
      RangeError,
      'f: a must have 2 x 2 = 4 entries, got 3',
    ],
    [
      () => checkShape('f', 'a', { rows: any('1'), cols: 1, data: new Float32Array(1) }),
      TypeError,
      'f: a.rows must be an integer >= 0, got "1"',
    ],
    [
      () => checkShape('f', 'a', { rows: 1, cols: 0.5, data: new Float32Array(1) }),
      RangeError,
      'f: a.cols must be an integer >= 0, got 0.5',
    ],
    [() => checkMatrix('f', 'a', matrix(2, 3), 4), RangeError, 'f: a must have 4 columns, got 3'],
    [() => checkMatrix('f', 'a', matrix(2, 3), 3, 1), RangeError, 'f: a must have 1 rows, got 2'],
    [
      () => checkEntries('f', 'a', Float32Array.of(0, 1, 2, -Infinity, 4, 5), 3),
      RangeError,
      'f: a must be finite, got -Infinity at row 1, column 0',
    ],
    [() => checkBlock('f', any(undefined), 2, 3), TypeError, 'f: block must be an object, got undefined'],
    [
      () => checkBlock('f', { keys: matrix(1, 2), values: matrix(2, 3) }, 2, 3),
      RangeError,
      'f: values must have 1 rows, got 2',
    ],
    [
      () => checkKeys('f', 'keys', matrix(1, 2, Float32Array.of(0, -(2 ** 50) * (1 + 2 ** -23)))),
      RangeError,
      'f: keys must be at most 2^50 in magnitude, got -1125900041060352 at row 0, column 1',
    ],
    [
      () => checkKeys('f', 'keys', matrix(1, 1, Float32Array.of(NaN))),
      RangeError,
      'f: keys must be finite, got NaN at row 0, column 0',
    ],
    [
      () => checkValues('f', 'values', matrix(2, 1, Float32Array.of(1, 2 ** 65))),
      RangeError,
      'f: values must be at most 2^64 in magnitude, got 36893488147419103000 at row 1, column 0',
    ],
    [() => checkScale('f', -1025), RangeError, 'f: scale must be at most 2^10 in magnitude, got -1025'],
    [() => checkBlock('f', kv(2, [1, 1]), 2, 3), TypeError, 'f: weights must be a Float32Array, got an array'],
    [() => checkBlock('f', kv(2, Float32Array.of(1)), 2, 3), RangeError, 'f: weights must have 2 entries, got 1'],
    [
      () => checkBlock('f', kv(2, Float32Array.of(1, 0)), 2, 3),
      RangeError,
      'f: weights must be from 2^-100 to 2^53, got 0 at row 1',
    ],
    [
      () => checkBlock('f', kv(2, Float32Array.of(NaN, 1)), 2, 3),
      RangeError,
      'f: weights must be from 2^-100 to 2^53, got NaN at row 0',
    ],
    [() => matrix(-1, 2), RangeError, 'matrix: rows must be an integer >= 0, got -1'],
    [() => matrix(1, 2, any([1, 2])), TypeError, 'matrix: data must be a Float32Array'],
    [() => matrix(1, 2, new Float32Array(3)), RangeError, 'matrix: data must have 1 x 2 = 2 entries, got 3'],
    [() => rowsOf(matrix(2, 2), 1, 3), RangeError, 'rowsOf: rows 1 to 3 are not within 0 to 2'],
    [() => rowsOf(matrix(2, 2), 2, 1), RangeError, 'rowsOf: rows 2 to 1 are not within 0 to 2'],
    [() => rowsOf(matrix(2, 2), 0.5), RangeError, 'rowsOf: rows 0.5 to 2 are not within 0 to 2'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})

describe('what is right passes', () => {
  it('at the bounds', () => {
    for (const value of [1, 4]) expect(() => checkInteger('f', 'm', value, 1, 4)).not.toThrow()
    expect(() => checkInteger('f', 'm', Number.MAX_SAFE_INTEGER, 0)).not.toThrow()
    expect(() => checkFinite('f', 'x', Number.MIN_VALUE, 0)).not.toThrow()
    expect(() => checkFinite('f', 'x', -Number.MAX_VALUE)).not.toThrow()
    expect([checkSeed('f', 0), checkSeed('f', -0), checkSeed('f', 2 ** 53 - 1)]).toEqual([0n, 0n, 2n ** 53n - 1n])
    expect(checkSeed('f', (1n << 64n) - 1n)).toBe((1n << 64n) - 1n)
    expect(() => checkBlock('f', kv(0, new Float32Array(0)), 2, 3)).not.toThrow()
    expect(() => checkBlock('f', kv(2, Float32Array.of(2 ** -100, 2 ** 53)), 2, 3)).not.toThrow()
    expect(() => checkKeys('f', 'a', matrix(1, 5, Float32Array.of(2 ** 50, -(2 ** 50), 0, -0, 1e-45)))).not.toThrow()
    expect(() => checkValues('f', 'a', matrix(1, 2, Float32Array.of(2 ** 64, -(2 ** 64))))).not.toThrow()
    expect(() => checkScale('f', -1024)).not.toThrow()
    expect(() => checkEntries('f', 'a', Float32Array.of(3.4e38, -3.4e38, 1e-45), 1)).not.toThrow()
  })

  test.prop(
    [
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(),
      fc.constantFrom(NaN, Infinity, -Infinity),
    ],
    {
      seed: 1,
      numRuns: 200,
    },
  )('an entry that is not finite is found wherever it is', (rows, cols, place, broken) => {
    const at = place % (rows * cols)
    const data = new Float32Array(rows * cols).fill(-3.4e38)
    expect(() => checkMatrix('f', 'a', { rows, cols, data })).not.toThrow()
    data[at] = broken
    const [row, column] = [Math.floor(at / cols), at % cols]
    expect(() => checkMatrix('f', 'a', { rows, cols, data })).toThrow(
      `f: a must be finite, got ${broken} at row ${row}, column ${column}`,
    )
  })
})

describe('matrix and rowsOf', () => {
  it('keep the data they are given and share it', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6)
    const whole: Matrix = matrix(3, 2, data)
    expect(whole.data).toBe(data)
    const rows = rowsOf(whole, 1)
    expect([rows.rows, rows.cols, ...rows.data]).toEqual([2, 2, 3, 4, 5, 6])
    rows.data[0] = 9
    expect(data[2]).toBe(9)
    expect(rowsOf(whole, 1, 2).data.length).toBe(2)
    expect(rowsOf(whole, 3).rows).toBe(0)
    expect([...matrix(2, 2).data]).toEqual([0, 0, 0, 0])
    expect(matrix(0, 5).data.length).toBe(0)
  })
})
