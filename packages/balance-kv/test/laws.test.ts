// The laws of every attention stream, for trees of every halving: eager and patient, of one level and of several, moved up and not.
// Kills, over the mistakes that the laws list: a halving at the end of a call, a token in two levels or in none, a log weight left
// out, levels counted wrongly in a snapshot, coins that a restored stream draws again.
import { attentionStreamLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import {
  balanceKv,
  halvingCache,
  mergeReduce,
  restoreBalanceKv,
  restoreMergeReduce,
  softmaxBalance,
  uniformHalving,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const greedy = softmaxBalance({ mode: 'greedy', seed: 1 })
const pairs = softmaxBalance({ mode: 'pairs', seed: 1 })

const trees = [
  { title: 'patient, everything fits', halving: pairs, blockSize: 16, levels: 3, capacity: 2000, error: 1e-5 },
  { title: 'eager pairs', halving: pairs, blockSize: 64, levels: 4, error: 0.4 },
  { title: 'patient pairs', halving: pairs, blockSize: 32, levels: 3, capacity: 130, error: 0.4 },
  { title: 'patient greedy', halving: greedy, blockSize: 32, levels: 2, capacity: 128, error: 0.4 },
  {
    title: 'eager pairs of small blocks',
    halving: softmaxBalance({ mode: 'pairs', seed: 3 }),
    blockSize: 32,
    levels: 3,
    error: 0.5,
  },
  {
    title: 'theory',
    halving: softmaxBalance({ mode: 'theory', delta: 0.1, seed: 2 }),
    blockSize: 64,
    levels: 3,
    error: 1,
  },
  { title: 'uniform, one level, moved up', halving: uniformHalving({ seed: 2 }), blockSize: 8, levels: 1, error: 1.5 },
] as const

describe.each(trees)('mergeReduce: $title', ({ title, error, ...options }) => {
  const laws = attentionStreamLaws({
    name: `mergeReduce, ${title}`,
    make: () => mergeReduce({ ...shape, ...options }),
    restore: (bytes) => restoreMergeReduce(bytes),
    error,
  })
  for (const law of laws) test(law.name, law.run)
})

const size = { epsilon: 0.5, norm: 0.5, n: 1000, delta: 0.1 }
const streams = [
  { name: 'joint, all fits', make: () => balanceKv({ ...shape, seed: 1, budget: 1e5 }), error: 1e-5 },
  { name: 'joint, greedy', make: () => balanceKv({ ...shape, seed: 1, budget: 4000 }), error: 0.4 },
  { name: 'joint, pairs', make: () => balanceKv({ ...shape, seed: 2, budget: 4000, mode: 'pairs' }), error: 0.4 },
  { name: 'joint, theory', make: () => balanceKv({ ...shape, seed: 2, budget: 4000, mode: 'theory' }), error: 0.8 },
  { name: 'apart, all fits', make: () => balanceKv({ ...shape, seed: 1, budget: 4e5, sums: 'apart' }), error: 2e-5 },
  { name: 'apart, sized', make: () => balanceKv({ ...shape, seed: 1, ...size }), error: 2e-5 },
  {
    name: 'halvingCache',
    make: () => halvingCache({ target: 32, halving: pairs })(shape),
    error: 0.4,
    restore: restoreMergeReduce,
  },
]

describe.each(streams)('balanceKv: $name', ({ make, error, restore = restoreBalanceKv }) => {
  const laws = attentionStreamLaws({ name: 'balanceKv', make, restore, error, tolerance: 2e-5 })
  for (const law of laws) test(law.name, law.run)
})
