import { phiOf, plan as planOf, psiOf, type OnePassPlan, type Plan, type PlanOptions } from '@sublinear/adviser'
import { checkObject, headOf, type AttentionStream, type Method, type SparseRecovery } from '@sublinear/core'
import { restoreFeatures } from '@sublinear/poly-features'
import { onePass, type OnePass } from '@sublinear/streaming-attention'
import { catalogue } from './catalogue'

/**
 * Chooses the method that holds a head best, from the catalogue or from the given methods: `plan` of `@sublinear/adviser`.
 *
 * @param methods  methods to choose from. Default: those of the catalogue, without the slow ones unless `slow` is true
 */
export async function plan(
  options: Omit<PlanOptions, 'methods'> & { readonly methods?: PlanOptions['methods'] | undefined },
): Promise<Plan> {
  checkObject('plan', options)
  return planOf({ ...options, methods: options.methods ?? catalogue.filter((one) => options.slow || !one.slow) })
}

/**
 * Makes the attention stream that a plan describes, empty, for keys that come with their values. The plan may come from JSON.
 *
 * @throws RangeError when the plan names no method, or is for keys and values that come apart (use createOnePass)
 */
export function createStream(
  chosen: Pick<Plan, 'd' | 'dv' | 'scale' | 'softcap' | 'sinkLogit' | 'method' | 'options'>,
  methods: readonly Method[] = catalogue,
): AttentionStream & Disposable {
  const { d, dv, scale, softcap, sinkLogit, method, options } = checkObject('createStream', chosen, 'plan')
  const found = methods.find(({ name }) => name === method)
  if (!found)
    throw new RangeError(
      `createStream: method must be one of ${methods.map(({ name }) => name).join(', ')}, got ${String(method)}`,
    )
  return found.make({ d, dv, scale, ...headOf({ softcap, sinkLogit }) }, options)
}

/**
 * Makes the state of Algorithm 1 that a plan describes, empty, for keys and values that come apart.
 *
 * @param chosen  the plan
 * @throws RangeError when the plan is for keys that come with their values, or is malformed
 */
export function createOnePass(chosen: Pick<Plan, 'dv' | 'method' | 'options' | 'phi'>): OnePass {
  const { dv, method, options, phi } = checkObject('createOnePass', chosen, 'plan')
  const { features, psi } = (options ?? {}) as Partial<OnePassPlan>
  if (method !== 'onePass' || typeof features !== 'string' || !psi)
    throw new RangeError(`createOnePass: method must be onePass with features and a psi, got ${String(method)}`)
  return onePass({ features: restoreFeatures(features), dv, psi: psiOf(psi), ...(phi && { phi: phiOf(phi) }) })
}

/**
 * Makes Φ of a plan for the task 'columns': for `querySketch`, beside the stream of createStream.
 *
 * @throws RangeError when the plan has no phi
 */
export function createPhi(chosen: Pick<Plan, 'phi'>): SparseRecovery {
  const { phi } = checkObject('createPhi', chosen, 'plan')
  if (!phi) throw new RangeError(`createPhi: the plan must be for the task 'columns', got no phi`)
  return phiOf(phi)
}
