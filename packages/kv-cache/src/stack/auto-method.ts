import { HELD_FEATURES, type Method, type Pilot, type Shape, type Traffic } from '@sublinear/core'
import type { Metric } from '../metric/metric'
import { queryMetric } from '../metric/query-metric'
import { autoStream, restoreAutoStream, type AutoOptions } from './auto-stream'
import { stacksFor, variantsOf } from './candidate-stacks'
import { codedStacksFor } from './coded-stacks'
import { defaultStack } from './default-stack'
import { builtStack, countsAtRate, countsWithin, learns, type Counts, type Stack } from './stack'
import { taughtStack } from './taught-stack'

/** Options of the method: those of autoStream; and, on a pilot, the counts of tokens at the pilot's rate. */
export type AutoMethodOptions = AutoOptions & { readonly counts?: Counts | undefined }

/** The metric of a pilot's queries; undefined where others may come, where there are none to speak of, or where they turn by place. */
function metricOf({ rotary }: Shape, { alike = false }: Traffic, pilot: Pilot | undefined): Metric | undefined {
  if (!alike || rotary !== undefined || !pilot?.queries.data.some(Boolean)) return undefined
  return queryMetric({ queries: pilot.queries })
}

/** Makes the record of the method `auto`, over the methods that its stacks may name. */
export function autoMethod(methods: readonly Method[]): Method<AutoMethodOptions> {
  const stackOf = (shape: Shape, { stack, budgetBytes, tokens, weighted = false }: AutoMethodOptions): Stack =>
    stack ?? defaultStack({ ...shape, budgetBytes, tokens, weighted }, methods)
  const countsOf = (shape: Shape, options: AutoMethodOptions) => {
    const { budgetBytes, weighted = false } = options
    return countsWithin(stackOf(shape, options), { ...shape, budgetBytes, weighted }, methods)
  }
  const fitting = (
    shape: Shape,
    budgetBytes: number,
    { tokens, weighted = false }: Traffic,
    stacks: readonly Stack[],
  ): AutoMethodOptions[] =>
    stacks.map((stack) => ({ budgetBytes, tokens, weighted, stack })).filter((options) => countsOf(shape, options))
  return {
    name: 'auto',
    source: 'not from the papers',
    learns: 'queries',
    can: HELD_FEATURES,
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
    needsQueries: ({ stack }) => stack === undefined || learns(stack, methods),
    variants(shape, budgetBytes, traffic, pilot) {
      const budget = { ...shape, budgetBytes, tokens: traffic.tokens, weighted: traffic.weighted ?? false }
      const stacks = [...stacksFor(budget, methods), ...(traffic.slow ? codedStacksFor(budget, methods) : [])]
      const metric = metricOf(shape, traffic, pilot)
      const own = metric ? stacks.map((stack) => ({ ...stack, metric })) : []
      return fitting(shape, budgetBytes, traffic, [...stacks, ...own])
    },
    refine(shape, best, budgetBytes, traffic, pilot) {
      const { metric, ...plain } = stackOf(shape, best)
      const near = variantsOf(plain)
      const own = metric ? [plain, ...near.map((stack) => ({ ...stack, metric }))] : near
      const other = metric ? undefined : metricOf(shape, traffic, pilot)
      return fitting(shape, budgetBytes, traffic, other ? [...own, { ...plain, metric: other }] : own)
    },
    taught: (options, queries) =>
      options.stack?.metric ? { ...options, stack: taughtStack(options.stack, queries) } : options,
    open: (bytes, open) => restoreAutoStream(bytes, open, methods),
  }
}
