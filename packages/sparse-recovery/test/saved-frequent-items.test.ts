// Snapshots of frequent items that were written by hand, at both sides of every border. Kills: a size or a count that nobody looks at, a rule that always holds, a bound that is divided where it should
// be multiplied, a border that is one off.
import { encodeSnapshot } from '@sublinear/core'
import { expect, test } from 'vitest'
import { restoreFrequentItems } from '../src'

interface Saved {
  readonly count?: string | undefined
  readonly keyBytes?: string | undefined
  readonly total?: number | string | undefined
  readonly error?: number | string | undefined
  readonly numbers?: readonly number[] | undefined
  readonly lower?: readonly number[] | undefined
  readonly missed?: readonly number[] | undefined
}
const column = (data: readonly number[]) => ({ dtype: 'F64' as const, shape: [data.length], data: Float64Array.from(data) }) // prettier-ignore
const saved = ({ count = '10', keyBytes = '64', total = 9, error = 0, numbers = [3, 5], lower = [4, 5], missed = [0, 0] }: Saved) =>
  encodeSnapshot({
    kind: 'frequent-items',
    version: '1',
    parameters: { count, keyBytes, total: String(total), error: String(error) },
    tensors: { numbers: column(numbers), lower: column(lower), missed: column(missed) },
  }) // prettier-ignore

test.each<[Saved]>([
  [{}],
  [{ count: '2' }],
  [{ count: '16777216' }],
  [{ keyBytes: '0' }],
  [{ keyBytes: '65536' }],
  [{ total: 10 }],
  [{ total: 2 ** 53 - 2 }],
  [{ numbers: [0, 2 ** 53 - 1] }],
  [{ numbers: [], lower: [], missed: [], total: 0 }],
  // Of 10 counters with an error of 1, each item above it: 1 · 10 ≤ 2 · (total − (3 + 4)).
  [{ error: 1, missed: [0, 0], total: 12 }],
  [{ error: 1, missed: [1, 1], total: 14 }],
  [{ error: 3, missed: [0, 3], lower: [4, 1], total: 17 }],
])('is taken: %j', (own) => {
  const items = restoreFrequentItems(saved(own))
  expect(restoreFrequentItems(items.toBytes()).toBytes()).toEqual(items.toBytes())
  items.update(77)
  expect(items.bounds(77).upper).toBeGreaterThan(0)
})

test.each<[Saved]>([
  ...['1', '0', '-2', '1.5', '16777217', 'x', '', 'NaN'].map((count): [Saved] => [{ count }]),
  ...['-1', '0.5', '65537', 'x', ''].map((keyBytes): [Saved] => [{ keyBytes }]),
  ...['8', '-1', '9.5', 'x', '', String(2 ** 54)].map((total): [Saved] => [{ total }]),
  ...['-1', '0.5', 'x', '', '4', '5'].map((error): [Saved] => [{ error }]),
  [{ numbers: [3, 3] }],
  [{ numbers: [3, -1] }],
  [{ numbers: [3, -2] }],
  [{ numbers: [3, 0.5] }],
  [{ numbers: [3] }],
  [{ lower: [4, 0] }],
  [{ lower: [4, 4.5] }],
  [{ lower: [4] }],
  [{ missed: [0, -1] }],
  [{ missed: [0, 1] }],
  [{ missed: [0] }],
  [{ count: '2', numbers: [3, 5, 7], lower: [1, 1, 1], missed: [0, 0, 0] }],
  [{ error: 1, total: 11 }],
  [{ error: 1, missed: [1, 1], total: 13 }],
  [{ error: 1, missed: [2, 1], total: 40 }],
  [{ error: 3, missed: [0, 2], lower: [4, 1], total: 17 }],
  [{ error: 3, missed: [0, 3], lower: [4, 1], total: 16 }],
])('is refused: %j', (own) => {
  expect(() => restoreFrequentItems(saved(own))).toThrow(RangeError)
  expect(() => restoreFrequentItems(saved(own))).toThrow(/^restoreFrequentItems: /)
})
