import type { Method, Traffic } from '@sublinear/core'
import { mcnemar } from '@sublinear/small-lm'
import { LENGTHS, MODELS, type Cell } from './cells.ts'
import { askedOf, cellOf, disagreements, rightOf, type Evidence } from './results.ts'
import { chanceName, shareName, table } from './tables.ts'

/** `auto` with recipes that were planned as if all queries to come were like the pilot's: stacks may be in the metric of these queries. */
export const IN_METRIC = 'autoInMetric'

/** Inverse shares in which stacks are in the metric. */
export const METRIC_SHARES = [8, 16]

/** Whether a method has a recipe for each head. */
export const hasRecipes = (method: string): boolean => method === 'auto' || method === IN_METRIC

/** Cells of both models at the longest length. */
export const inMetricCells = (shares: readonly number[] = METRIC_SHARES): Cell[] =>
  shares.flatMap((share) =>
    MODELS.map((model) => ({
      model,
      method: IN_METRIC,
      share,
      tokens: LENGTHS.at(-1)!,
      asks: 'needles' as const,
    })),
  )

const alike = (traffic: Traffic): Traffic => ({ ...traffic, alike: true })

/** A method that is told that all queries to come are like the pilot's. */
export function withQueriesAlike(method: Method): Method {
  return {
    ...method,
    variants: (shape, bytes, traffic, pilot) => method.variants?.(shape, bytes, alike(traffic), pilot) ?? [],
    refine: (shape, best, bytes, traffic, pilot) => method.refine?.(shape, best, bytes, alike(traffic), pilot) ?? [],
  }
}

/** Right answers with the recipes as they are and with those in the metric, and how likely the former have so many more by chance. */
export function metricTable(evidence: Evidence, heldOut: Evidence): string {
  const rows = Object.entries({ 'as above': evidence, 'other words and texts': heldOut }).flatMap(([name, set]) =>
    METRIC_SHARES.flatMap((share) =>
      MODELS.flatMap((model) => {
        const place = { model, tokens: LENGTHS.at(-1)!, share }
        const [exact, own, other] = ['exact', 'auto', IN_METRIC].map((method) => cellOf(set, place, method))
        if (!exact || !own || !other) return []
        const right = [exact, own, other].map((cell) => String(rightOf(cell)))
        return [[name, model, shareName(share), String(askedOf(own)), ...right, chanceName(mcnemar(disagreements(other, own)))]] // prettier-ignore
      }),
    ),
  )
  return table(['prompts', 'model', 'bytes', 'of', 'exact', 'auto', 'auto, stacks in the metric', 'p'], rows)
}
