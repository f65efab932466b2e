import type { EndlessOptions } from '@sublinear/attention'

/** A short window in floats, far keys that stay and a rest of at most a thousand tokens: what endless streams were first measured with. */
export const SHORT_WINDOW = {
  window: 256,
  near: 'float32',
  store: 'float32',
  most: 1000,
  halvedAfter: Infinity,
  crowd: 1,
} as const satisfies EndlessOptions
