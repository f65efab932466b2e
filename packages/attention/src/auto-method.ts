import type { Method, Shape } from '@sublinear/core'
import { builtStack, countsAtRate, countsWithin, type Counts, type Stack } from '@sublinear/kv-cache'
import { autoStream, restoreAutoStream, type AutoOptions } from './auto-stream'
import { defaultStack } from './default-stack'

/** Options of the method: those of autoStream, and on a pilot the numbers of tokens that its rate means. */
type Options = AutoOptions & { readonly counts?: Counts }

/** The method `auto` over the methods that its stacks may name. */
export function autoMethod(methods: readonly Method[]): Method<Options> {
  const stackOf = (shape: Shape, { stack, budgetBytes, tokens, weighted = false }: Options): Stack =>
    stack ?? defaultStack({ ...shape, budgetBytes, tokens, weighted }, methods)
  const countsOf = (shape: Shape, options: Options) => {
    const { budgetBytes, weighted = false } = options
    return countsWithin(stackOf(shape, options), { ...shape, budgetBytes, weighted }, methods)
  }
  return {
    name: 'auto',
    source: 'not from the papers',
    learns: 'queries',
    make(shape, { counts, ...options }) {
      if (!counts) return autoStream({ ...shape, ...options }, methods)
      return builtStack(stackOf(shape, options), counts, shape, methods)
    },
    bytes: (_, { budgetBytes }) => budgetBytes,
    within(shape, budgetBytes, { tokens, weighted = false }) {
      const options = { budgetBytes, tokens, weighted }
      return countsOf(shape, options) && options
    },
    atRate(shape, options, rate) {
      const counts = countsOf(shape, options)
      return counts ? { ...options, counts: countsAtRate(stackOf(shape, options), counts, rate) } : options
    },
    open: (bytes, open) => restoreAutoStream(bytes, open, methods),
  }
}
