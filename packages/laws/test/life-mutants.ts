import type { AttentionStream } from '@sublinear/core'
import { mutant, type Mutant } from './mutant'
import { restoreReference, type ReferenceStream } from './reference-stream'

const FORK = 'a fork goes on'
const RESET = 'a stream that is reset'
const TRIAL = 'tokens on trial'

/** A copy to which something is done before it goes on. */
const forked = (good: ReferenceStream, change: (copy: ReferenceStream) => void): AttentionStream => {
  const copy = restoreReference(good.toBytes())
  change(copy)
  return copy
}

/** Forgets tokens from … to − 1. */
const forget = ({ held, d, dv }: ReferenceStream, from: number, to: number): void => {
  held.keys.splice(from * d, (to - from) * d)
  held.values.splice(from * dv, (to - from) * dv)
  held.weights.splice(from, to - from)
}

/** Mistakes in copies, in the way back, and in what was on trial. */
export const lifeMutants: readonly Mutant[] = [
  mutant('a fork is the stream', FORK, (good) => ({ fork: () => good as never })),
  mutant('a fork leaves the newest token behind', FORK, (good) => ({
    fork: () => forked(good, (copy) => forget(copy, copy.tokens - 1, copy.tokens)) as never,
  })),
  mutant('a fork forgets weights', FORK, (good) => ({
    fork: () => forked(good, ({ held }) => held.weights.fill(1)) as never,
  })),
  mutant('a fork takes the tokens away', FORK, (good) => ({
    fork() {
      const copy = restoreReference(good.toBytes())
      good.reset()
      return copy as never
    },
  })),
  mutant('reset does nothing', RESET, () => ({ reset() {} })),
  mutant('reset keeps a token', RESET, (good) => ({ reset: () => forget(good, 1, good.tokens) })),
  mutant('takes back the oldest', TRIAL, (good) => ({
    spare: Infinity,
    takeBack: (count: number) => forget(good, 0, count),
  })),
  mutant('takes back one too few', TRIAL, (good) => ({
    spare: Infinity,
    takeBack: (count: number) => forget(good, good.tokens - count + 1, good.tokens),
  })),
  mutant('takes back nothing', TRIAL, () => ({ spare: 3, takeBack() {} })),
]
