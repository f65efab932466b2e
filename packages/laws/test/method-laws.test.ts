// The laws of a method's record: that of a plain stream passes all of them, and each mistake below is rejected by the law that is named for it.
// Kills: a law that compares nothing, a law that a mistake slips through, budgets that are never tried.
import type { AttentionStream, TierSpec } from '@sublinear/core'
import { describe, expect, test } from 'vitest'
import { methodLaws, type MethodLaws } from '../src'
import { plainMethod, type MethodMistake, type PlainOptions } from './plain-method'

/** The tier alone, as if it were behind a buffer. */
const inTiers = (spec: TierSpec, shape: Parameters<TierSpec>[0]): AttentionStream & { parts: AttentionStream[] } => {
  const stream = spec(shape)
  return Object.assign(stream, { parts: [stream] })
}
const given: MethodLaws<PlainOptions> = { budgets: [20_000, 60_000], long: 300, inTiers }
const lawsOf = (mistake: MethodMistake) => methodLaws(plainMethod(mistake), given)

describe('the record of a plain stream passes', () => {
  for (const law of lawsOf({})) test(law.name, law.run)
})

const right = plainMethod()
const MANY = 7e9
const mistakes: [string, string, MethodMistake][] = [
  ['has a second name', 'name is the kind', { name: 'plain' }],
  ['has no source', 'name is the kind', { source: '' }],
  ['counts no weights', 'bytes covers what', { bytes: ({ d, dv }, _, { tokens }) => 4 * tokens * (d + dv) }],
  [
    'knows less of more tokens',
    'bytes covers what',
    { bytes: (shape, o, { tokens }) => (tokens < Infinity ? right.bytes(shape, o, { tokens }) : 100) },
  ],
  [
    'counts a token too many',
    'bytes is reached',
    { bytes: (shape, o, { tokens }) => right.bytes(shape, o, { tokens: tokens + 1 }) },
  ],
  ['oversteps a budget', 'within stays within', { within: () => ({ most: 1 }) }],
  ['has no options between two budgets', 'within stays within', { gap: true }],
  [
    'gives options that make refuses',
    'within stays within',
    { within: (...of) => right.within(...of) && { most: of[1] < 1e5 ? 0 : 1 } },
  ],
  ['gives Infinity, which JSON has not', 'plain JSON', { endless: true }],
  ['makes a rate of nothing', 'at a rate', { atRate: () => ({ most: 0 }) }],
  ['learns, untold', 'learns nothing', { teaches: true }],
  [
    'learns, and says that it need not be told',
    'learns nothing',
    { teaches: true, learns: 'queries', needsQueries: () => false },
  ],
  [
    'has variants above the budget',
    'within stays within',
    { variants: () => [{ most: MANY }], bytes: (shape, o, of) => (o.most === MANY ? 1e12 : right.bytes(shape, o, of)) },
  ],
  ['refines to what make refuses', 'within stays within', { refine: () => [{ most: 0 }] }],
  [
    'forgets a token as a part',
    'tierBytes',
    { tierBytes: (shape, o, { tokens }) => right.bytes(shape, o, { tokens: tokens - 1 }) },
  ],
]

describe('each mistake is rejected by its law', () => {
  test.each(mistakes)('%s', (_, named, mistake) => {
    const [law, ...others] = lawsOf(mistake).filter(({ name }) => name.includes(named))
    expect(others).toEqual([])
    expect(law.run).toThrow()
  })

  test('every law of records rejects some mistake; the others are those of streams', () => {
    const own = lawsOf({}).slice(0, 8)
    for (const { name, kills } of own) {
      expect(
        mistakes.some(([, named]) => name.includes(named)),
        name,
      ).toBe(true)
      expect(kills.length, name).toBeGreaterThan(0)
    }
    expect(lawsOf({})[8].name).toBe('reference: where a block ends never matters')
  })

  test('a method that a megabyte is too little for is refused', () => {
    expect(() => lawsOf({ within: () => undefined })).toThrow('a megabyte must be enough')
  })
})
