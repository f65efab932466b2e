import { decodeSnapshot, readBy, schema, SIZE, type Method, type Shape, type Snapshot } from '@sublinear/core'
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
  return JSON.stringify([parameters['buffer'], parameters['waiting'], parameters['metric'], parts])
}

/** Snapshots of auto streams: rules to go on by, and what is held. */
export const autoSchema = schema(
  { parameters: { limits: 'text', tiers: 'text', held: 'text', asked: 'text' } },
  {
    'There is a snapshot of its own under `tiers`, or, while it learns, one under `held` and one under `asked`.': ({
      parameters: { tiers, held, asked },
    }) => (tiers === '' ? held !== '' && asked !== '' : held + asked === ''),
  },
)

/** The JSON of `limits`. */
export const limitsSchema = schema(
  {
    parameters: {
      budgetBytes: SIZE,
      weighted: 'text',
      stack: 'text',
      tokens: { ...SIZE, absent: Infinity },
      learning: 'text',
      chosen: 'text',
    },
  },
  {
    '`weighted` is `true` or `false`.': ({ parameters: { weighted } }) => weighted === 'true' || weighted === 'false',
    'There is a `chosen` only where there is a `learning`.': ({ parameters: { learning, chosen } }) =>
      learning !== '' || chosen === '',
  },
)

/**
 * Reads the limits from a snapshot.
 *
 * @throws RangeError where they are malformed, or no stream would begin with them
 */
export function limitsIn(who: string, snapshot: Snapshot, methods: readonly Method[]): Limits {
  const { limits: json } = readBy(who, autoSchema, snapshot).parameters
  let found: Partial<Limits> | null = null
  try {
    found = JSON.parse(json) as Partial<Limits> | null
  } catch {
    // reported below
  }
  const { stack, learning, chosen } = found ?? {}
  const parameters = Object.fromEntries(
    Object.entries(found ?? {}).map(([name, value]) => [name, value === null ? '' : String(value)]), // null is how JSON writes Infinity
  )
  const read = readBy(who, limitsSchema, { kind: who, version: '', parameters, tensors: new Map() }).parameters
  const { budgetBytes, tokens } = read
  const weighted = read.weighted === 'true'
  try {
    checkStack(who, 'stack', stack as Stack, methods)
    if (chosen !== undefined) checkStack(who, 'chosen', chosen, methods)
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error })
  }
  const limits = { budgetBytes, weighted, stack: copyOfStack(stack as Stack) }
  if (learning === undefined) return limits
  const own = chosen && { chosen: copyOfStack(chosen) }
  return { ...limits, tokens, learning, ...own }
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
