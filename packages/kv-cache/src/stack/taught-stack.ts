import type { Matrix } from '@sublinear/core'
import { queryMetric } from '../metric/query-metric'
import type { Stack } from './stack'

/** The stack in the metric of these queries, if it has one; a plain one where they are none, or all 0. */
export function taughtStack(stack: Stack, queries: Matrix): Stack {
  const { metric, ...plain } = stack
  if (!metric) return stack
  return queries.data.some(Boolean) ? { ...plain, metric: queryMetric({ queries }) } : plain
}
