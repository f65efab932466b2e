// The laws of compositions: a pair of plain streams passes all of them, and each mistake below is rejected by the law that is named for it.
// Kills: a law that compares nothing, a law that a mistake slips through, faults that never strike.
import { describe, expect, test } from 'vitest'
import { compositionLaws } from '../src'
import { plainPair, restorePair, type PairMistake } from './plain-pair'

const shape = { d: 3, dv: 2, scale: 0.5 }
const lawsOf = (mistake: PairMistake = {}) =>
  compositionLaws({
    name: 'pair',
    make: (part) => plainPair(part, mistake),
    restore: (bytes) => restorePair(bytes, mistake),
    shape,
  })

describe('a pair of plain streams passes', () => {
  for (const law of lawsOf()) test(law.name, law.run)
})

const mistakes: [string, string, PairMistake][] = [
  ['takes before it asks', 'refuses changes nothing', { asksLate: true }],
  ['asks one stream of two', 'refuses changes nothing', { asksOne: true }],
  ['counts tokens before it asks', 'refuses changes nothing', { countsFirst: true }],
  ['goes on after half a call', 'fails breaks the whole', { goesOn: true }],
  ['saves what is half done', 'fails breaks the whole', { savesBroken: true }],
  ['answers when it is broken', 'fails breaks the whole', { answersBroken: true }],
  ['knows its streams by identity', 'every member forwarded', { knowsParts: true }],
  ['knows its streams by identity, also behind a proxy', 'a proxy', { knowsParts: true }],
  ['saves members that no contract has', 'no check', { savesNames: true }],
  ['reads a member that no contract has', 'the least', { readsMember: true }],
  ['reads a member that no contract has, where into is not handed on', 'no into', { readsMember: true }],
  ['reads a member that no contract has, where dropped is not handed on', 'no dropped', { readsMember: true }],
]

describe('each mistake is rejected by its law', () => {
  test.each(mistakes)('%s', (_, named, mistake) => {
    const [law, ...others] = lawsOf(mistake).filter(({ name }) => name.includes(named))
    expect(others).toEqual([])
    expect(law.run).toThrow()
  })

  test('every law rejects some mistake, and says which it kills', () => {
    for (const { name, kills } of lawsOf()) {
      expect(
        mistakes.some(([, named]) => name.includes(named)),
        name,
      ).toBe(true)
      expect(kills.length, name).toBeGreaterThan(0)
    }
  })
})
