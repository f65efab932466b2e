// Frequent items against an exact Map, in 100,000 random streams: what frequent-items.test.ts tries with 4000, for faults that one stream in many thousand shows.
// Kills: where one stream in thousands shows it, a merge that forgets the error of the other, ties kept at the bound.
import { expect, it } from 'vitest'
import { faultsOfStreams } from './counted-streams'

it('100,000 random streams never leave their bounds, every third a merge of several', () => {
  expect(faultsOfStreams(1, 100_000)).toEqual([])
}, 240_000)
