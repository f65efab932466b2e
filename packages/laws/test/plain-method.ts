import { type AttentionStream, type TierMethod } from '@sublinear/core'
import { referenceStream, restoreReference } from './reference-stream'

/** Mistakes of a record. */
export type MethodMistake = Partial<TierMethod<PlainOptions>> & {
  /** Between two budgets nothing fits. */
  readonly gap?: boolean
  /** Options that JSON has not. */
  readonly endless?: boolean
  /** A step that teaches, untold. */
  readonly teaches?: boolean
}
export interface PlainOptions {
  readonly most: number
}

const MOST = 1e9

/** The record of the reference stream, with mistakes or without. */
export function plainMethod({ gap, endless, teaches, ...wrong }: MethodMistake = {}): TierMethod<PlainOptions> {
  const method: TierMethod<PlainOptions> = {
    name: 'reference',
    source: 'not from the papers',
    learns: 'nothing',
    can: [],
    make(shape, { most }) {
      if (!(most >= 1)) throw new RangeError(`reference: most must be a number >= 1, got ${most}`)
      return teaches ? taught(referenceStream(shape)) : referenceStream(shape)
    },
    bytes: ({ d, dv }, _, { tokens }) => 4 * tokens * (d + dv + 1),
    within(shape, budget, traffic) {
      if (gap && budget > 5000 && budget < 50_000) return undefined
      const options = { most: endless ? Infinity : MOST }
      return method.bytes(shape, options, traffic) <= budget ? options : undefined
    },
    atRate: (_, { most }, rate) => ({ most: Math.max(1, most * rate) }),
    open: (bytes) => restoreReference(bytes),
    tier: () => (shape) => Object.assign(referenceStream(shape), { admit: () => undefined }),
    tierBytes: (shape, options, traffic) => method.bytes(shape, options, traffic),
    ...wrong,
  }
  return method
}

function taught(stream: ReturnType<typeof referenceStream>): ReturnType<typeof referenceStream> {
  return new Proxy(stream, {
    get(of, name) {
      if (name !== 'step') return Reflect.get(of, name) as unknown
      return (...[block, queries]: Parameters<AttentionStream['step']>) => {
        const out = of.step(block, queries)
        if (queries.rows > 64) stream.held.values[0] += queries.data[0]
        return out
      }
    },
  })
}
