import {
  checkObject,
  largestWithin,
  type AttentionStream,
  type Method,
  type Shape,
  type StreamSpec,
  type TierMethod,
  type TierSpec,
} from '@sublinear/core'
import { quantised, waitingBytes } from '@sublinear/token-store'
import type { Metric } from '../metric/metric'
import { tiers, type Tiers } from '../tiers'

/** Tokens that a tier keeps, with the bits of an entry. */
export interface Kept {
  /** The method that chooses the tokens: `window`, `h2o`, `farKeys` or any other tier of tokens. */
  readonly by: string
  /** Share of the bytes that are left when the fixed parts have theirs, in (0, 1]. */
  readonly share: number
  readonly keyBits: number
  readonly valueBits: number
}

/** Tiers for any budget, as plain JSON: how many tokens each holds follows from the bytes. */
export interface Stack {
  /** Number of newest tokens that are held exactly, in float32. */
  readonly window: number
  /** Tiers in order: tokens that one lets go, the next may keep. Shares add up to at most 1. */
  readonly kept: readonly Kept[]
  /** The method that takes the tokens that no tier keeps, in the bytes that the shares leave; or 'none'. */
  readonly rest: string
  /** Seed of a dither of the codes, an integer ≥ 0, for error bars. Tokens then wait exactly. */
  readonly dither?: number | undefined
  /** The metric of the distances between keys, and of their codes, as `queryMetric` makes it. Default: the plain one. */
  readonly metric?: Metric | undefined
}

/** A copy of the fields of a stack, without others. */
export function copyOfStack(stack: Stack): Stack {
  const kept = tiersOf(stack).map(({ by, share, keyBits, valueBits }) => ({ by, share, keyBits, valueBits }))
  const { window, rest, dither, metric } = stack
  return {
    ...(dither !== undefined && { dither }),
    ...(metric && { metric: [...metric] }),
    window,
    kept,
    rest,
  }
}

/** Numbers of tokens for one budget or one rate. */
export interface Counts {
  readonly window: number
  readonly kept: readonly number[]
  /** Bytes of a rest that takes a share of the budget. */
  readonly restBytes: number
  /** Tokens that wait before the first tier, in codes or exactly; and tokens that wait before the rest, exactly. */
  readonly buffer: number
  readonly isCoded: boolean
  readonly restBuffer: number
}

export interface StackBudget extends Shape {
  readonly budgetBytes: number
  /** Whether weights other than 1 may come: 8 more bytes a token. */
  readonly weighted: boolean
}

/**
 * Divisors of the budget. Waiting tokens are float32 where 64 of them take at most a 64th of it; else as many wait in 8 bits as a 12th of it has room for, 4 to
 * 64. In a stack with a window, whose newest tokens are exact, half of the window waits.
 */
const [EXACT_WAITING, CODED_WAITING] = [64, 12]
const waitingStore = quantised({ keyBits: 8, valueBits: 8, first: 0 })
const [LEAST_WAITING, MOST_WAITING] = [4, 64]
const MOST_REST_WAITING = 16
/** Rests that are the same size in every budget. */
const FIXED: ReadonlySet<string> = new Set(['mean', 'closure', 'firstOrder'])
/** The rest that is a random sample of tokens. */
const SAMPLE = 'reservoir'
/** The tier that has codes of its own, and divides its bits between keys and values itself. */
export const CODED = 'entropyCoded'
/** One attended token in 4 is reserved for the newest. */
const RECENT = 4
/** The fewest tokens of which a coreset is made. */
const LEAST_CORESET = 24
/** A number of tokens so large that a store holds them in its codes: from there on its bytes grow linearly. */
const MANY = 1024
/** The smallest buffers on a pilot, before the tiers and before the rest: larger than the rate gives, for speed. */
const [PILOT_BUFFER, PILOT_REST] = [16, 8]

/** Whether the rest takes a share of the budget. */
export function isSized(stack: Pick<Stack, 'rest'>): boolean {
  checkObject('stack', stack)
  return stack.rest !== 'none' && !FIXED.has(stack.rest)
}

/** Whether one of the tiers learns from the queries that come with tokens. */
export function learns(stack: Stack, methods: readonly Method[]): boolean {
  return tiersOf(stack).some(({ by }) => named(methods, by).learns !== 'nothing')
}

/** The tiers of a stack. @throws TypeError when it has none; what stands among them is checked by checkStack */
function tiersOf(stack: Stack): Stack['kept'] {
  return checkObject('stack', stack?.kept, 'kept')
}

/** The first method of a stack that does not know soft caps; undefined where all do. */
export function withoutCaps({ kept, rest }: Stack, methods: readonly Method[]): string | undefined {
  const names = [...kept.map(({ by }) => by), ...(rest === 'none' ? [] : [rest])]
  return names.find((name) => !named(methods, name).can.includes('softcap'))
}

/** The method of a name. @throws RangeError when there is none */
function named(methods: readonly Method[], name: string): Method {
  const found = methods.find((method) => method.name === name)
  if (!found) throw new RangeError(`stack: no method is called ${JSON.stringify(name)}`)
  return found
}

const tierNamed = (methods: readonly Method[], name: string) => named(methods, name) as TierMethod
const tierOptions = ({ by, keyBits, valueBits }: Kept, count: number, dither: number | undefined) =>
  by === CODED
    ? { count, bits: (keyBits + valueBits) / 2 }
    : {
        count,
        store: quantised({ keyBits, valueBits, ...(dither !== undefined && { dither }) }),
        ...(by === 'h2o' && { recent: Math.floor(count / RECENT) }),
      }

/**
 * Counts the tokens that a stack holds within a budget: the bytes of its fixed parts are subtracted, the others are shared out.
 *
 * Guarantee: `builtStack` with these counts never holds more than budgetBytes.
 *
 * @param methods  the methods, among them those that the stack names
 * @returns counts, at least 1 for each tier; undefined where the budget is too small for that, the rest is no stream for this scale, or a part does not know
 *   the shape's soft cap
 */
export function countsWithin(stack: Stack, budget: StackBudget, methods: readonly Method[]): Counts | undefined {
  const parts = tiersOf(stack)
  const { budgetBytes, weighted, ...given } = budget
  if (given.softcap !== undefined && withoutCaps(stack, methods) !== undefined) return undefined
  const shape = { d: given.d, dv: given.dv, scale: given.scale }
  const traffic = { tokens: Infinity, weighted }
  const token = waitingBytes(shape, 1, weighted)
  const within = (part: number, each: number) =>
    Math.min(MOST_WAITING, Math.max(LEAST_WAITING, Math.floor(budgetBytes / part / each)))
  const exact = within(EXACT_WAITING, token)
  const isCoded = exact < MOST_WAITING && stack.window === 0 && stack.dither === undefined
  const many = waitingBytes(shape, MOST_WAITING, weighted, waitingStore) / MOST_WAITING
  const half = stack.window >> 1
  const buffer = isCoded ? within(CODED_WAITING, many) : Math.min(MOST_WAITING, Math.max(exact, half))
  const waiting = waitingBytes(shape, buffer, weighted, isCoded ? waitingStore : undefined)
  const isFixed = FIXED.has(stack.rest)
  const restBuffer = isFixed ? Math.min(MOST_REST_WAITING, exact >> 1) : 0
  const fixed = isFixed ? named(methods, stack.rest).bytes(shape, { buffer: restBuffer }, traffic) : 0
  const slots = parts.map((kept) => {
    const bytes = (count: number) =>
      tierNamed(methods, kept.by).tierBytes(shape, tierOptions(kept, count, stack.dither), traffic, buffer)
    const each = (bytes(2 * MANY) - bytes(MANY)) / MANY
    return { each, state: bytes(MANY) - MANY * each }
  })
  const state = slots.reduce((sum, one) => sum + one.state, 0)
  const window = stack.window - half
  const left = budgetBytes - (stack.metric?.length ?? 0) - fixed - state - waiting - window * token
  const used = parts.reduce((sum, { share }) => sum + share, 0)
  const counts = {
    window,
    kept: parts.map(({ share }, i) => Math.floor(((share / Math.max(1, used)) * left) / slots[i].each)),
    restBytes: isSized(stack) ? Math.floor((1 - used) * left) : 0,
    buffer,
    isCoded,
    restBuffer,
  }
  const fits =
    left >= 0 &&
    counts.kept.every((count) => count >= 1 && count < Infinity) &&
    (!isSized(stack) || restSpec(stack.rest, counts.restBytes, shape, methods) !== undefined)
  return fits ? counts : undefined
}

/** The spec of the stream that takes the rest, within so many bytes; undefined where they are too few, or the method makes no stream for this shape. */
function restSpec(rest: string, bytes: number, shape: Shape, methods: readonly Method[]): StreamSpec | undefined {
  const method = named(methods, rest)
  const traffic = { tokens: Infinity }
  if ('tierBytes' in method) {
    const tier = method as TierMethod<{ readonly count: number }>
    const count = largestWithin((count) => tier.tierBytes(shape, { count }, traffic, 0), bytes)
    return count === undefined ? undefined : tier.tier({ count, ...(rest === SAMPLE && { seed: 0 }) })
  }
  if (bytes < LEAST_CORESET * waitingBytes(shape, 1, true)) return undefined
  const options = method.within(shape, bytes, traffic)
  return options && ((given) => method.make(given, options))
}

/** The smallest budget that a stack fits into; Infinity where it fits into none, since its rest is no stream for this shape. */
export function leastBytes(stack: Stack, budget: Omit<StackBudget, 'budgetBytes'>, methods: readonly Method[]): number {
  let [low, high] = [0, 1024]
  const fits = (budgetBytes: number) => countsWithin(stack, { ...budget, budgetBytes }, methods) !== undefined
  while (!fits(high)) {
    if (high === Infinity) return Infinity
    ;[low, high] = [high, 2 * high]
  }
  for (;;) {
    const middle = Math.floor((low + high) / 2)
    if (middle <= low || middle >= high) return high // also beyond 2^53, where a float64 is not exact for every integer
    if (fits(middle)) high = middle
    else low = middle
  }
}

/**
 * Counts for a pilot: a shorter stream at the same rate, of which the stack holds the same share. Pilots have larger buffers than the rate gives, for speed;
 * the last tier shrinks by as many tokens, so that a stack that drops 1 % of a long stream also drops 1 % of the pilot.
 */
export function countsAtRate(stack: Stack, counts: Counts, rate: number): Counts {
  tiersOf(stack)
  const scaled = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(count * rate)))
  const restBuffer = counts.restBuffer === 0 ? 0 : PILOT_REST
  const buffer = Math.max(PILOT_BUFFER, scaled(counts.buffer))
  const more = buffer + restBuffer - scaled(counts.buffer + counts.restBuffer)
  const kept = counts.kept.map(scaled)
  if (kept.length > 0) kept[kept.length - 1] = Math.max(1, kept.at(-1)! - more)
  const restBytes = isSized(stack) ? scaled(counts.restBytes) : 0
  return { window: scaled(counts.window), kept, restBytes, buffer, isCoded: counts.isCoded, restBuffer }
}

/** Makes the tiers of a stack with these counts, empty; `name` is the kind of their snapshots. */
export function builtStack(
  stack: Stack,
  counts: Counts,
  shape: Shape,
  methods: readonly Method[],
  name?: string,
): Tiers {
  tiersOf(stack)
  const window = tierNamed(methods, 'window')
  const parts: ((shape: Shape) => AttentionStream)[] = [
    ...(counts.window > 0 ? [window.tier({ count: counts.window })] : []),
    ...stack.kept.map((kept, i) => tierNamed(methods, kept.by).tier(tierOptions(kept, counts.kept[i], stack.dither))),
  ]
  const { rest } = stack
  if (FIXED.has(rest)) {
    const buffer = Math.max(1, counts.restBuffer)
    parts.push((given) => named(methods, rest).make(given, { buffer }))
  } else if (rest !== 'none') parts.push(smallest(stack, counts, shape, methods))
  return tiers({
    ...shape,
    parts: parts as [...TierSpec[], StreamSpec],
    buffer: counts.buffer,
    ...(counts.isCoded && { waiting: waitingStore }),
    ...(stack.metric && { metric: stack.metric }),
    ...(name !== undefined && { name }),
  })
}

/** Options of the rest within its bytes, or the smallest there are: a pilot's rate may leave it fewer. */
function smallest({ rest }: Stack, { restBytes }: Counts, shape: Shape, methods: readonly Method[]): StreamSpec {
  for (let bytes = restBytes; ; bytes = Math.max(bytes + 1, Math.ceil(1.25 * bytes))) {
    const spec = restSpec(rest, bytes, shape, methods)
    if (spec) return spec
    if (bytes > 2 ** 40) throw new RangeError(`stack: ${rest} must be a stream for a scale of ${shape.scale}`)
  }
}
