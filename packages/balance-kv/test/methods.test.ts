// The records of the coresets: names, bytes, budgets, options, snapshots, and the laws of the stream that a roomy budget makes.
// The last 8 bytes are the weight of a sampler that works from some 10⁵ tokens on. Kills, over the mistakes that the laws list: a sampler or an octave left out of bytes, a budget overstepped, a seed that JSON has not.
import { methodLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import { balanceKvMethod, mergeReduceMethod, momentCoresetMethod } from '../src'

describe('balanceKv', () => {
  const options = [{ seed: 3, budget: 5000, mode: 'pairs' as const }]
  for (const law of methodLaws(balanceKvMethod, { options, long: 2000, slack: 0.0025 })) test(law.name, law.run)
})
describe('momentCoreset', () => {
  for (const law of methodLaws(momentCoresetMethod, { long: 2000, slack: 0.0025 })) test(law.name, law.run)
})
describe('mergeReduce', () => {
  for (const law of methodLaws(mergeReduceMethod, { long: 2000, slack: 0.0025 })) test(law.name, law.run)
})
