import { featuresBeyond, type Pilot, type Shape } from '@sublinear/core'
import type { PlanShape } from './check-options'
import type { Answer, Considered } from './plan-types'
import { roundsOf, search } from './search'
import type { Standing, Step } from './tournament'
import { LEAST_PILOT, type Asked } from './trial'

export interface Measured {
  /** The best of the candidates that were run on the whole pilot; absent where nothing fits. */
  readonly answer?: Answer | undefined
  readonly considered: readonly Considered[]
}

/** Whether methods can be run on a pilot: its tokens are in stream order with their queries, it is long enough, and keys come with their values. */
export function canMeasure({ task, keysAndValuesTogether }: PlanShape, { queries, keys }: Pilot): boolean {
  return (
    keysAndValuesTogether &&
    task !== 'columns' &&
    keys.rows >= LEAST_PILOT &&
    queries.rows > 0 &&
    queries.rows % keys.rows === 0
  )
}

/** The methods of the catalogue that can do what the head does, within a budget, run on a pilot. */
export function* measured(shape: PlanShape, pilot: Pilot, budgetBytes: number): Generator<Step, Measured> {
  const { methods, d, dv, scale, head, tokens, weighted, slow, exhaustive, task } = shape
  const own: Shape = { d, dv, scale, ...head }
  const beyond = methods.map(({ name, can }) => ({ name, cannot: featuresBeyond(head, can) }))
  const able = methods.filter((_, i) => beyond[i].cannot.length === 0)
  const asked = task as Asked
  const alike = asked === 'later' || asked === 'rows'
  const traffic = { tokens, weighted, slow, alike, groups: pilot.queries.rows / pilot.keys.rows }
  const { standings, tooLarge } = yield* search(
    { methods: able, shape: own, budgetBytes, traffic, pilot, asked },
    roundsOf(pilot.keys.rows, exhaustive),
  )
  const bytesOf = ({ method, options }: Standing) => method.bytes(own, options, traffic)
  const considered: Considered[] = [
    ...standings.map((one) => ({
      name: one.method.name,
      options: one.options,
      evidence: 'measured' as const,
      bytes: bytesOf(one),
      error: errorOf(one),
      ...(one.droppedAt !== undefined && { droppedAt: one.droppedAt }),
    })),
    ...tooLarge.map((name) => ({ name, evidence: 'measured' as const, bytes: null, error: null })),
    ...beyond
      .filter(({ cannot }) => cannot.length > 0)
      .map((one) => ({ ...one, evidence: 'measured' as const, bytes: null, error: null })),
  ]
  const best = standings[0]
  if (!best) return { considered }
  const { method, tokens: looked } = best
  const options = method.taught?.(best.options, pilot.queries) ?? best.options
  const error = { total: errorOf(best), tokens: looked }
  const parts = { stream: bytesOf(best) }
  return { answer: { name: method.name, method: method.name, options, evidence: 'measured', error, parts }, considered }
}

/** The measured error, without the term by which a causal ranking counts questions that the pilot lacks. */
function errorOf({ errors }: Standing): number {
  return errors.measured
}
