// Random programs of push, step, merge, refused calls and reopening over every method, and over tiers and layers of random methods with parts that refuse or
// fail: after a throw the bytes are the same, or every later call says broken; tokens and mass count each token once; a twin that was given only what went
// through ends with the same bytes. Here a few hundred; the script runs ten thousand.
import { expect, test } from 'vitest'
import { programs } from '../src/programs.ts'

test('four hundred programs hold', () => {
  const found = programs(400, 50_000)
  expect(found.failed).toEqual([])
  expect(found.refusals).toBeGreaterThan(100)
  expect(found.broken).toBeGreaterThan(10)
})
