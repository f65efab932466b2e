import { decodeSnapshot, type Method, type Shape } from '@sublinear/core'
import { checkStack } from './check-stack'
import { defaultStack } from './default-stack'
import { learningWithin, type Learning } from './first-tokens'
import { builtStack, copyOfStack, countsWithin, type Stack } from './stack'

/** The rules that decide how an auto stream goes on. */
export interface Limits {
  readonly budgetBytes: number
  readonly weighted: boolean
  /** The stack that was asked for, or the one taken where the first tokens say too little. */
  readonly stack: Stack
  /** Number of tokens to come, and how many first tokens are looked at; present where no stack was asked for. */
  readonly tokens?: number | undefined
  readonly learning?: Learning | undefined
  /** The stack that was chosen by the first tokens. */
  readonly chosen?: Stack | undefined
}

/** Checks that saved tiers have the parts of this stack within this budget. @throws RangeError where they do not */
export function checkBuilt(
  who: string,
  saved: Uint8Array,
  { d, dv, scale }: Shape,
  limits: Limits,
  methods: readonly Method[],
): void {
  const { budgetBytes, weighted } = limits
  const stack = limits.chosen ?? limits.stack
  const shape = { d, dv, scale }
  const counts = countsWithin(stack, { ...shape, budgetBytes, weighted }, methods)
  const fresh = counts && builtStack(stack, counts, shape, methods)
  const wanted = fresh && sizesIn(fresh.toBytes())
  fresh?.[Symbol.dispose]()
  if (sizesIn(saved) !== wanted)
    throw new RangeError(`${who}: the tiers of the snapshot must be those of its stack within ${budgetBytes} bytes`)
}

/** Parameters that decide how much a part holds and how it chooses tokens. */
const SIZES = [
  'count',
  'store',
  'options',
  'sinks',
  'seed',
  'buffer',
  'clusters',
  'features',
  'halving',
  'capacity',
  'blockSize',
  'levels',
]

/** The sizes of saved tiers, as text. */
function sizesIn(saved: Uint8Array): string {
  const { parameters } = decodeSnapshot(saved)
  const parts = Array.from({ length: Number(parameters['parts']) }, (_, i) => {
    const { kind, parameters: own } = JSON.parse(parameters[`part-${i}`] ?? '{}') as {
      readonly kind?: string | undefined
      readonly parameters?: Record<string, string> | undefined
    }
    return [kind, ...SIZES.map((name) => own?.[name])]
  })
  return JSON.stringify([parameters['buffer'], parameters['waiting'], parts])
}

/**
 * Reads the limits from a snapshot.
 *
 * @throws RangeError where they are malformed, or no stream would begin with them
 */
export function limitsIn(who: string, json: string | undefined, methods: readonly Method[]): Limits {
  let found: Partial<Limits> | undefined
  try {
    found = JSON.parse(json ?? '') as Partial<Limits> | undefined
  } catch {
    // reported below
  }
  const { budgetBytes, weighted, stack, tokens, learning, chosen } = found ?? {}
  if (typeof weighted !== 'boolean' || !Number.isInteger(budgetBytes) || budgetBytes! < 1 || !stack)
    throw new RangeError(`${who}: the snapshot does not say its budget and whether it is weighted`)
  try {
    checkStack(who, 'stack', stack, methods)
    if (chosen !== undefined) checkStack(who, 'chosen', chosen, methods)
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error })
  }
  const limits = { budgetBytes: budgetBytes!, weighted, stack: copyOfStack(stack) }
  if (learning === undefined && chosen !== undefined)
    throw new RangeError(`${who}: the snapshot has a stack chosen by first tokens, and looks at none`)
  if (learning === undefined) return limits
  const own = chosen && { chosen: copyOfStack(chosen) }
  return { ...limits, tokens: tokens ?? Infinity, learning, ...own } // null is how JSON writes Infinity
}

/**
 * Checks the first tokens and the stack in limits. @throws RangeError where a stream within this budget would look at another number of first tokens, or take
 * another stack when they say too little
 */
export function checkLearning(
  who: string,
  { d, dv, scale }: Shape,
  { learning, stack, ...limits }: Limits,
  methods: readonly Method[],
): Learning {
  const { budgetBytes, weighted, tokens = Infinity } = limits
  const budget = { d, dv, scale, budgetBytes, weighted, tokens }
  const wanted = tokens === Infinity || (Number.isInteger(tokens) && tokens >= 1) ? learningWithin(budget) : undefined
  const usual = wanted && copyOfStack(defaultStack(budget, methods))
  if (!wanted || JSON.stringify([wanted, usual]) !== JSON.stringify([learning, stack]))
    throw new RangeError(`${who}: the snapshot does not begin as a stream of ${budgetBytes} bytes does`)
  return wanted
}
