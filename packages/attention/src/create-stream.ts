import { phiOf, plan as planOf, psiOf, type OnePassPlan, type Plan, type PlanOptions } from '@sublinear/adviser'
import type { AttentionStream, Method, SparseRecovery } from '@sublinear/core'
import { restoreFeatures } from '@sublinear/poly-features'
import { onePass, type OnePass } from '@sublinear/streaming-attention'
import { catalogue } from './catalogue'

/**
 * `plan` of the adviser over the catalogue, or over the methods that are given.
 *
 * @param methods  those to choose from; default: those of the catalogue, less the slow ones unless `slow` lets them be
 */
export function plan(
  options: Omit<PlanOptions, 'methods'> & { readonly methods?: PlanOptions['methods'] | undefined },
): Promise<Plan> {
  return planOf({ ...options, methods: options.methods ?? catalogue.filter((one) => options.slow || !one.slow) })
}

/**
 * The attention stream that a plan describes, empty: for keys that come with their values. The plan may come from JSON.
 *
 * @throws RangeError when keys and values come apart, which is createOnePass, or the plan names no method
 */
export function createStream(
  { d, dv, scale, method, options }: Pick<Plan, 'd' | 'dv' | 'scale' | 'method' | 'options'>,
  methods: readonly Method[] = catalogue,
): AttentionStream & Disposable {
  const found = methods.find(({ name }) => name === method)
  if (!found)
    throw new RangeError(
      `createStream: method must be one of ${methods.map(({ name }) => name).join(', ')}, got ${String(method)}`,
    )
  return found.make({ d, dv, scale }, options)
}

/**
 * Algorithm 1 as a plan describes it, empty: for keys and values that come apart.
 *
 * @param dv, method, options, phi  those of the plan
 * @throws RangeError when the plan is for keys with their values, or not as `plan` made it
 */
export function createOnePass({ dv, method, options, phi }: Pick<Plan, 'dv' | 'method' | 'options' | 'phi'>): OnePass {
  const { features, psi } = options as Partial<OnePassPlan>
  if (method !== 'onePass' || typeof features !== 'string' || !psi)
    throw new RangeError(`createOnePass: method must be onePass with features and a psi, got ${String(method)}`)
  return onePass({ features: restoreFeatures(features), dv, psi: psiOf(psi), ...(phi && { phi: phiOf(phi) }) })
}

/**
 * Φ of a plan for the task 'columns': for `querySketch`, beside the stream of createStream.
 *
 * @throws RangeError when the plan has none
 */
export function createPhi({ phi }: Pick<Plan, 'phi'>): SparseRecovery {
  if (!phi) throw new RangeError(`createPhi: the plan must be for the task 'columns', got no phi`)
  return phiOf(phi)
}
