// The laws themselves: a plain float64 stream passes all of them, and each mistake of stream-mutants.ts and state-mutants.ts is rejected by the law
// that is named for it. Kills: a law that compares nothing, a law that a mistake slips through, laws that differ from run to run.
import { describe, expect, test } from 'vitest'
import { attentionStreamLaws } from '../src'
import { referenceStream, restoreReference } from './reference-stream'
import { lifeMutants } from './life-mutants'
import { stateMutants } from './state-mutants'
import { streamMutants } from './stream-mutants'

const mutants = [...streamMutants, ...stateMutants, ...lifeMutants]
const shape = { d: 3, dv: 2, scale: 0.5 }
const differs = {
  dv: () => referenceStream({ ...shape, dv: 3 }),
  scale: () => referenceStream({ ...shape, scale: 0.25 }),
}
const options = { name: 'reference', make: () => referenceStream(shape), restore: restoreReference, differs }

const refuseToMerge = () => {
  throw new RangeError('reference: cannot merge, merging is none')
}

describe('a plain stream passes', () => {
  for (const law of attentionStreamLaws(options)) test(law.name, law.run)
})

describe('other options pass', () => {
  const wide = { d: 1, dv: 5, scale: -2 }
  const laws = attentionStreamLaws({
    name: 'no merging',
    make: () => withoutMerge(),
    cuts: 'tolerance',
    error: 1e-4,
    scores: 3,
  })
  /** The reference stream with getters kept, which refuses to merge. */
  function withoutMerge(good = referenceStream(wide)): typeof good {
    return new Proxy(good, {
      get(of, name) {
        if (name === 'merging') return 'none'
        if (name === 'check') return { ...of.check, merge: refuseToMerge }
        if (name === 'fork') return () => withoutMerge(good.fork())
        return name === 'merge' ? refuseToMerge : Reflect.get(of, name)
      },
    })
  }
  for (const law of laws) test(law.name, law.run)
  test('without restore and merging, their laws are left out', () => {
    const names = laws.map(({ name }) => name).join()
    expect(names).not.toMatch(/resumes|damaged|merged parts/)
  })
})

describe('each mistake is rejected by its law', () => {
  test.each(mutants.map((mutant) => [mutant.mistake, mutant] as const))('%s', (_, { law: named, make, restore }) => {
    const laws = attentionStreamLaws({ ...options, make, ...(restore && { restore }) })
    const [law, ...others] = laws.filter(({ name }) => name.includes(named))
    expect(others).toEqual([])
    expect(law.run).toThrow()
  })

  test('every law rejects some mistake, and says which it kills', () => {
    for (const { name, kills } of attentionStreamLaws(options)) {
      expect(
        mutants.some(({ law }) => name.includes(law)),
        name,
      ).toBe(true)
      expect(kills.length, name).toBeGreaterThan(0)
    }
  })

  test('a failure says what was wrong, the same each time', () => {
    const { make } = mutants[0]
    const report = () => {
      try {
        attentionStreamLaws({ ...options, make })[0].run()
      } catch (error) {
        return `${String(error)} ${String((error as Error).cause)}`
      }
      return ''
    }
    expect(report()).toMatch(/tokens|differs|snapshot/)
    expect(report()).toBe(report())
  })
})
