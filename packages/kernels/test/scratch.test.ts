// Numbers for the length of a call. Kills: an array made at every call, one shared by two uses, a view of another length than asked for,
// large arrays that are kept for good.
import { expect, it } from 'vitest'
import { scratch } from '../src/index'

it('gives one array again and again, as long as asked for', () => {
  const take = scratch(Float64Array)
  const lengths = [8, 3, 3, 8, 0, 20, 8]
  const arrays = lengths.map(take)
  expect(arrays.map(({ length }) => length)).toEqual(lengths)
  expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(2) // one of 8, one of 20
  expect(arrays[2]).toBe(arrays[1])
  arrays[6].fill(5)
  expect([...take(4)]).toEqual([5, 5, 5, 5])
})

it('keeps apart what two uses hold', () => {
  const [one, other] = [scratch(Float32Array), scratch(Float32Array)]
  one(4).fill(1)
  other(4).fill(2)
  expect([...one(4)]).toEqual([1, 1, 1, 1])
})

it('does not keep what is large', () => {
  const take = scratch(Int32Array)
  expect(take(65537)).not.toBe(take(65537))
  expect(take(65536).buffer).toBe(take(65536).buffer)
})
