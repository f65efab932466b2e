// Every halving by its laws. Kills, by `halvingMutants`: the log weight dropped (share ½ of the weight), 4 for 2 (share 2), the
// sign always + (a place with twice its weight), one coin for all draws, nothing halved, a block changed.
import { halvingLaws, halvingMutants } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { restoreHalving, softmaxBalance, uniformHalving, type Halving } from '../src'

const halvings: readonly { name: string; exact: boolean; make: (seed: number) => Halving }[] = [
  { name: 'uniform', exact: true, make: (seed) => uniformHalving({ seed }) },
  { name: 'greedy', exact: true, make: (seed) => softmaxBalance({ mode: 'greedy', seed }) },
  { name: 'greedy, apart', exact: true, make: (seed) => softmaxBalance({ mode: 'greedy', seed, sums: 'apart' }) },
  { name: 'pairs', exact: true, make: (seed) => softmaxBalance({ mode: 'pairs', seed }) },
  { name: 'theory', exact: false, make: (seed) => softmaxBalance({ mode: 'theory', delta: 0.1, seed }) },
]

describe.each(halvings)('$name', ({ name, exact, make }) => {
  for (const law of halvingLaws({ name, exact, make })) test(law.name, law.run)

  test('comes back from its spec', () => {
    expect(restoreHalving(make(7).spec).spec).toBe(make(7).spec)
  })

  test.each(halvingMutants.map((mutant) => [mutant.name, mutant] as const))('finds: %s', (_, mutant) => {
    const laws = halvingLaws({ name, exact, make: (seed) => mutant.mutate(make(seed)) })
    const finder = laws.find((law) => law.name.endsWith(mutant.law))!
    expect(finder.run).toThrow()
  })
})

const bad = (options: object) => () => softmaxBalance({ mode: 'greedy', seed: 1, ...options } as never)

test('refusals name what is wrong', () => {
  expect(bad({ mode: 'best' })).toThrow('softmaxBalance: mode must be theory, greedy or pairs, got best')
  expect(bad({ sums: 'both' })).toThrow('softmaxBalance: sums must be joint or apart, got both')
  expect(bad({ seed: -1 })).toThrow(RangeError)
  expect(bad({ mode: 'theory' })).toThrow('softmaxBalance: delta must be a finite number > 0, got undefined')
  expect(bad({ mode: 'theory', delta: 1 })).toThrow('softmaxBalance: delta must be below 1, got 1')
  for (const spec of ['', '7', '{}', '{"kind":"uniform"}', '{"kind":"softmax-balance","mode":"best","seed":"1"}'])
    expect(() => restoreHalving(spec)).toThrow(RangeError)
})
