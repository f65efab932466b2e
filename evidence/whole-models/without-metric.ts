import type { ModelAdvice } from '@sublinear/small-lm'
import { mcnemar } from '@sublinear/small-lm'
import { LENGTHS, MODELS, type Cell } from './cells.ts'
import { askedOf, cellOf, disagreements, rightOf, type Evidence } from './results.ts'
import { chanceName, shareName, table } from './tables.ts'

/** The recipes of `auto` with every stack in the plain metric: do needles suffer from the metric of the queries? */
export const WITHOUT_METRIC = 'autoWithoutMetric'

/** Whether a method has a recipe for each head. */
export const hasRecipes = (method: string): boolean => method === 'auto' || method === WITHOUT_METRIC

/** Cells of both models at the longest length, in shares where stacks are in the metric. */
export const withoutMetricCells = (shares: readonly number[] = [8, 16]): Cell[] =>
  shares.flatMap((share) =>
    MODELS.map((model) => ({
      model,
      method: WITHOUT_METRIC,
      share,
      tokens: LENGTHS.at(-1)!,
      asks: 'needles' as const,
    })),
  )

/** The same advice, with stacks in the plain metric. */
export function withoutMetric(advice: ModelAdvice): ModelAdvice {
  return advice.map((layer) =>
    layer.map((head) => {
      const { stack } = head.options as { readonly stack?: object }
      if (!stack) return head
      const { metric: _, ...plain } = stack as { readonly metric?: unknown }
      return { ...head, options: { ...head.options, stack: plain } }
    }),
  )
}

/** Right answers with the recipes as they are and without their metrics, and how likely the latter have so many more by chance. */
export function metricTable(evidence: Evidence, heldOut: Evidence): string {
  const rows = Object.entries({ 'as above': evidence, 'other words and texts': heldOut }).flatMap(([name, set]) =>
    [8, 16].flatMap((share) =>
      MODELS.flatMap((model) => {
        const place = { model, tokens: LENGTHS.at(-1)!, share }
        const [exact, own, plain] = ['exact', 'auto', WITHOUT_METRIC].map((method) => cellOf(set, place, method))
        if (!exact || !own || !plain) return []
        const right = [exact, own, plain].map((cell) => String(rightOf(cell)))
        return [[name, model, shareName(share), String(askedOf(own)), ...right, chanceName(mcnemar(disagreements(own, plain)))]] // prettier-ignore
      }),
    ),
  )
  return table(['prompts', 'model', 'bytes', 'of', 'exact', 'auto', 'auto, no stack in the metric', 'p'], rows)
}
