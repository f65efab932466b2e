// Which tokens a selection leaves, against a stable sort of all scores. Kills: a sample that is believed where too few numbers are at most as large, the later of
// equals that leaves first, equals counted as lower ones. NaN is below all numbers.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allButLowest } from '../src/attention-shares'

/** The same by a stable sort of all. */
function bySort(scores: Float64Array, leaving: number, candidates: number): number[] {
  const level = (i: number) => (Number.isNaN(scores[i]) ? -Infinity : scores[i])
  const order = Array.from({ length: candidates }, (_, i) => i).toSorted((a, b) => {
    const [x, y] = [level(a), level(b)]
    return x < y ? -1 : x > y ? 1 : a - b
  })
  const gone = new Set(order.slice(0, leaving))
  return Array.from(scores, (_, i) => (gone.has(i) ? 0 : 1))
}

const SOME = [NaN, Infinity, -Infinity, 0, -0, 1, 1, 1, 2, 1e-300, 5e-324]

test('the lowest leave, and of equals the earlier', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom('spread', 'few', 'rising', 'falling', 'low in a row'),
      fc.integer({ min: 1, max: 1e6 }),
      (count, some, part, kind, seed) => {
        let state = seed
        const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
        const scores = Float64Array.from({ length: count }, (_, i) => {
          if (kind === 'few') return SOME[Math.floor(next() * SOME.length)]
          if (kind === 'rising') return i
          if (kind === 'falling') return -i
          if (kind === 'low in a row') return i < 40 ? next() : 10 + next()
          return next() ** 8
        })
        const candidates = Math.max(1, Math.round(some * count))
        const leaving = Math.round(part * candidates)
        expect([...allButLowest(scores, leaving, candidates)]).toEqual(bySort(scores, leaving, candidates))
      },
    ),
    { seed: 11, numRuns: 300 },
  )
})

test('a sample that misses the low ones does not change it', () => {
  // every eighth number is looked at, and the low ones lie between
  const scores = Float64Array.from({ length: 1024 }, (_, i) => (i % 8 === 0 ? -1 - i : i))
  for (const leaving of [1, 20, 127, 128, 129, 500, 1023, 1024])
    expect([...allButLowest(scores, leaving)]).toEqual(bySort(scores, leaving, 1024))
})
