import type { Pilot } from '@sublinear/core'
import { EXACT, ROUNDED } from './certified'
import type { PlanShape } from './check-options'
import type { Answer } from './plan-types'
import { LEAST_TOKENS } from './sample'

/** Whether a stream is shorter than any pilot must be, and the pilot is all of it. */
export function isFew({ tokens, task, keysAndValuesTogether }: PlanShape, pilot: Pilot): boolean {
  return pilot?.keys?.rows === tokens && tokens < LEAST_TOKENS && task !== 'columns' && keysAndValuesTogether
}

/** The plan that keeps every token as it is, where the budget has room: a stream this short gives nothing to measure. */
export function fewTokens({
  methods,
  d,
  dv,
  scale,
  head,
  tokens,
  weighted,
  budgetBytes,
}: PlanShape): Answer | undefined {
  const exact = methods.find(({ name }) => name === EXACT)
  const [shape, traffic] = [
    { d, dv, scale, ...head },
    { tokens, weighted },
  ]
  const options = exact?.within(shape, budgetBytes, traffic)
  if (!exact || !options) return undefined
  const error = { float32: ROUNDED, total: ROUNDED }
  const parts = { stream: exact.bytes(shape, options, traffic) }
  return { name: EXACT, method: EXACT, options, evidence: 'certified', error, parts }
}
