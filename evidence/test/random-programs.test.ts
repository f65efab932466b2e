// Random programs of push, step, merge, refused calls and reopening over every method, and over tiers and layers of random methods with parts that refuse or
// fail: after a throw the bytes are the same, or every later call says broken; tokens and mass count each token once; a twin that was given only what went
// through ends with the same bytes. Here a few hundred; the script runs ten thousand.
// Kills, tried one by one (so many of the 400 programs then fail; 20 are listed at most): tiers that take before they ask their parts (17), a layer that
// pushes (2), steps (5) or merges (9) head 0 before it asks head 1, a call that failed halfway and does not say so (19), a step of that kind (10), absorb that
// counts tokens twice (14) or takes them twice (3), a check that hands on what waits (20) or counts tokens (20), tiers that merge the last part before they ask
// the others (10), half of a call saved (12) or answered (12), a broken layer that answers (3) or is saved (2), tokens that wait and are not saved (19), an auto
// stream that does not ask for weights (8), answers lost of parts that take no `into` (12), NaN looked at by push alone (20).
// A merge that failed halfway and does not say so needs more programs (5 of 2500), and tiers that know their parts by a member of no contract the laws of
// compositions, which kill both (kv-cache/test/compositions.test.ts).
import { readFileSync } from 'node:fs'
import { catalogue } from '@sublinear/attention'
import { expect, test } from 'vitest'
import { programs, type Programs } from '../random-programs/ask.ts'

test('four hundred programs hold', () => {
  const found = programs(400, 50_000)
  expect(found.failed).toEqual([])
  expect(found.refusals).toBeGreaterThan(100)
  expect(found.broken).toBeGreaterThan(10)
})

test('ten thousand held, over every method of the catalogue', () => {
  const file = new URL('../random-programs/result.json', import.meta.url)
  const found = JSON.parse(readFileSync(file, 'utf8')) as Programs
  expect(found.programs).toBe(10_000)
  expect([found.failures, found.failed]).toEqual([0, []])
  expect(Object.keys(found.methods)).toEqual(catalogue.map(({ name }) => name).toSorted())
  expect(Math.min(found.refusals, found.broken, found.reopened, found.merged)).toBeGreaterThan(500)
})
