import {
  checkFinite,
  checkHead,
  checkInteger,
  checkScale,
  checkSeed,
  featuresBeyond,
  headOf,
  type Given,
  type HeadFeature,
  type Method,
} from '@sublinear/core'
import { TASKS, type PlanHead, type PlanOptions } from './plan-types'
import type { Driven } from './drive'

/** The options of a plan, complete and checked; epsilon is Infinity where none was asked for. */
export type PlanShape = Given<Omit<PlanOptions, 'pilot' | 'radius' | 'k' | 'seed' | keyof PlanHead | keyof Driven>> &
  Pick<PlanOptions, 'k'> & { readonly seed: bigint; readonly head: PlanHead }

const WHO = 'plan'
/** Features that a planned head may have. */
const FEATURES: readonly HeadFeature[] = ['softcap', 'sinkLogit']

/** Checks the options of a plan. @throws TypeError, RangeError that names the first option that is out of range or missing */
export function checkOptions(options: PlanOptions): PlanShape {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${WHO}: options must be an object, got ${String(options)}`)
  const { methods, tokens, d, dv, scale, radius, pilot, k, softcap, sinkLogit } = options
  const { keysAndValuesTogether = true, weighted = false, slow = false, exhaustive = false, task = 'causal' } = options
  const { epsilon = Infinity, delta = 0.01, budgetBytes = Infinity, seed = 0 } = options
  checkMethods(methods)
  checkInteger(WHO, 'tokens', tokens, 1)
  checkInteger(WHO, 'd', d, 1, 2 ** 16)
  checkInteger(WHO, 'dv', dv, 1, 2 ** 16)
  checkScale(WHO, scale)
  if (epsilon < Infinity || radius !== undefined) checkFinite(WHO, 'scale', scale, 0) // formulas use features, which exist only for a scale above 0
  for (const [name, value] of Object.entries({ keysAndValuesTogether, weighted, slow, exhaustive }))
    if (typeof value !== 'boolean') throw new TypeError(`${WHO}: ${name} must be true or false, got ${String(value)}`)
  if (!TASKS.includes(task))
    throw new RangeError(`${WHO}: task must be one of ${TASKS.join(', ')}, got ${JSON.stringify(task)}`)
  if (epsilon !== Infinity) checkShare('epsilon', epsilon)
  checkShare('delta', delta)
  if (budgetBytes !== Infinity) checkInteger(WHO, 'budgetBytes', budgetBytes, 1)
  if (epsilon === Infinity && budgetBytes === Infinity)
    throw new RangeError(`${WHO}: epsilon or budgetBytes must be given, got neither`)
  if ((radius === undefined) === (pilot === undefined))
    throw new RangeError(
      `${WHO}: either a pilot or a radius must be given, got ${pilot === undefined ? 'neither' : 'both'}`,
    )
  if (task === 'columns') {
    if (k === undefined) throw new RangeError(`${WHO}: k must be given for the task 'columns'`)
    checkInteger(WHO, 'k', k, 1, tokens)
    checkInteger(WHO, 'tokens', tokens, 1, 2 ** 32)
    if (pilot === undefined) throw new RangeError(`${WHO}: pilot must be given for the task 'columns', got a radius`)
  }
  if (!keysAndValuesTogether && (task === 'causal' || task === 'later' || task === 'both'))
    throw new RangeError(`${WHO}: task must be 'rows' or 'columns' where keys and values come apart, got '${task}'`)
  if (epsilon === Infinity && (radius !== undefined || task === 'columns' || !keysAndValuesTogether))
    throw new RangeError(`${WHO}: epsilon must be given where nothing is measured, got none`)
  const head = headOf({ softcap, sinkLogit }) as PlanHead
  checkHead(WHO, { d, dv, scale, ...head }, FEATURES)
  const features = featuresBeyond(head, [])
  if (features.length > 0) {
    if (!keysAndValuesTogether || task === 'columns')
      throw new RangeError(
        `${WHO}: ${features.join(' and ')} need keys with their values and no columns: sketches are of plain scores`,
      )
    if (methods.every(({ can }) => featuresBeyond(head, can).length > 0))
      throw new RangeError(`${WHO}: methods must have one that can do ${features.join(' and ')}`)
    const groups = pilot && pilot.queries?.rows / pilot.keys?.rows
    if (Array.isArray(sinkLogit) && pilot && sinkLogit.length !== groups)
      throw new RangeError(
        `${WHO}: sinkLogit must be a number, or one for each of the pilot's ${groups} queries of a token, got ${sinkLogit.length}`,
      )
  }
  if (radius !== undefined) {
    checkFinite(WHO, 'radius', radius)
    if (radius < 0) throw new RangeError(`${WHO}: radius must be >= 0, got ${radius}`)
  }
  return {
    methods,
    tokens,
    d,
    dv,
    scale,
    epsilon,
    task,
    keysAndValuesTogether,
    weighted,
    slow,
    exhaustive,
    delta,
    budgetBytes,
    seed: checkSeed(WHO, seed),
    head,
    ...(k !== undefined && { k }),
  }
}

function checkShare(name: string, value: number): void {
  checkFinite(WHO, name, value, 0)
  if (value >= 1) throw new RangeError(`${WHO}: ${name} must be below 1, got ${value}`)
}

function checkMethods(methods: readonly Method[]): void {
  const isList = Array.isArray(methods) && methods.length > 0
  if (!isList || methods.some((one) => typeof one?.make !== 'function' || typeof one?.within !== 'function'))
    throw new TypeError(`${WHO}: methods must be a list of at least one method`)
}
