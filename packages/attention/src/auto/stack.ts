import type { Shape, StreamSpec, TierSpec } from '@sublinear/core'
import { clusters, farKeys, quantised, tiers, window, type Tiers } from '@sublinear/kv-cache'
import { closureStream, meanStream } from '@sublinear/streaming-attention'

/** Far keys that stay, in so many bits an entry. */
export interface FarKeys {
  /** Of the bytes that the fixed parts leave, in (0, 1]. */
  readonly share: number
  readonly keyBits: number
  readonly valueBits: number
}

/** What takes the tokens that no tier keeps: nothing, one mean token, the Gaussian closure, or clusters for what the shares leave over. */
export const RESTS = ['none', 'mean', 'closure', 'clusters'] as const

/** Tiers for any budget, as plain JSON: what is held follows from the bytes. */
export interface Stack {
  /** The newest tokens, exactly, in float32. */
  readonly window: number
  /** From the farthest on; shares add up to at most 1. */
  readonly far: readonly FarKeys[]
  readonly rest: (typeof RESTS)[number]
}

/** Numbers of tokens, for one budget or one rate. */
export interface Counts {
  readonly window: number
  readonly far: readonly number[]
  readonly clusters: number
  /** Tokens that wait, exactly, before the first tier and before the rest. */
  readonly buffer: number
  readonly restBuffer: number
}

export interface Budget extends Shape {
  readonly budgetBytes: number
  /** Whether weights other than 1 may come: 8 bytes more a token. */
  readonly weighted: boolean
}

/** Of the budget, what may wait in float32: a token a 64th, 4 to 64 of them. */
const WAITING = 64
const LEAST_WAITING = 4
const MOST_WAITING = 64
/** On a pilot. */
const PILOT_BUFFER = 16
const PILOT_REST = 4

/**
 * How many tokens a stack holds within a budget: the bytes of its fixed parts are taken away, the rest is shared out.
 *
 * @returns counts of at least 1 a tier; undefined where the budget is too small for that
 * Guarantee: `builtStack` with these counts never holds more than budgetBytes.
 */
export function countsWithin(stack: Stack, { d, dv, budgetBytes, weighted }: Budget): Counts | undefined {
  const token = 4 * (d + dv) + (weighted ? 8 : 0) // in float32
  const buffer = Math.min(MOST_WAITING, Math.max(LEAST_WAITING, Math.floor(budgetBytes / WAITING / token)))
  const restBuffer = stack.rest === 'mean' || stack.rest === 'closure' ? Math.min(16, buffer >> 1) : 0
  const fixed = {
    none: 0,
    clusters: 0,
    mean: 8 * (d + dv) + 8 + restBuffer * token,
    closure: 2 * d * (d + 1) + 4 * d * dv + 8 * (d + 2 * dv) + 8 + restBuffer * token,
  }[stack.rest]
  const centres = stack.far.length * (16 * d + 4 * (d + dv)) // the running mean of a tier, and its store's centres
  const left = budgetBytes - fixed - centres - (buffer + stack.window) * token
  const used = stack.far.reduce((sum, { share }) => sum + share, 0)
  const counts = {
    window: stack.window,
    // By name: a recipe from JSON may have more in it.
    far: stack.far.map(({ share, keyBits, valueBits }) =>
      Math.floor((share * left) / codedBytes({ d, dv, keyBits, valueBits, weighted })),
    ),
    clusters: stack.rest === 'clusters' ? Math.floor(((1 - used) * left) / (4 * (d + dv) + 16)) : 0,
    buffer,
    restBuffer,
  }
  const fits =
    left >= 0 && counts.far.every((count) => count >= 1) && (stack.rest !== 'clusters' || counts.clusters >= 1)
  return fits ? counts : undefined
}

/** The smallest budget that a stack fits into. */
export function leastBytes(stack: Stack, shape: Omit<Budget, 'budgetBytes'>): number {
  let [low, high] = [0, 1024]
  while (!countsWithin(stack, { ...shape, budgetBytes: high })) [low, high] = [high, 2 * high]
  for (;;) {
    const middle = Math.floor((low + high) / 2)
    if (middle <= low || middle >= high) break // also beyond 2^53, where not every integer is a number
    if (countsWithin(stack, { ...shape, budgetBytes: middle })) high = middle
    else low = middle
  }
  return high
}

/** Of a token in a quantised store. */
export function codedBytes(token: {
  readonly d: number
  readonly dv: number
  readonly keyBits: number
  readonly valueBits: number
  readonly weighted: boolean
}): number {
  const { d, dv, keyBits, valueBits, weighted } = token
  return Math.ceil((d * keyBits) / 8) + Math.ceil((dv * valueBits) / 8) + 4 + (weighted ? 8 : 0)
}

/**
 * Counts for a shorter stream at the same rate: so many of its tokens as of those to come. A few more wait, for speed; the last tier
 * has that many fewer, else a stack that loses one token in a hundred would lose none.
 */
export function countsAtRate(counts: Counts, rate: number): Counts {
  const scaled = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(count * rate)))
  const restBuffer = Math.min(PILOT_REST, counts.restBuffer)
  const more = PILOT_BUFFER + restBuffer - scaled(counts.buffer + counts.restBuffer)
  const far = counts.far.map(scaled)
  if (far.length > 0) far[far.length - 1] = Math.max(1, far.at(-1)! - more)
  return { window: scaled(counts.window), far, clusters: scaled(counts.clusters), buffer: PILOT_BUFFER, restBuffer }
}

/** The tiers of a stack with these counts, empty. */
export function builtStack(stack: Stack, counts: Counts, shape: Shape): Tiers {
  const parts: TierSpec[] = [
    ...(counts.window > 0 ? [window({ count: counts.window })] : []),
    ...stack.far.map(({ keyBits, valueBits }, i) =>
      farKeys({ count: counts.far[i]!, store: quantised({ keyBits, valueBits }) }),
    ),
  ]
  const { rest } = stack
  const buffer = Math.max(1, counts.restBuffer)
  const last: Record<Exclude<Stack['rest'], 'none'>, StreamSpec> = {
    mean: (given) => meanStream({ ...given, buffer }),
    closure: (given) => closureStream({ ...given, buffer }),
    clusters: clusters({ count: Math.max(1, counts.clusters) }),
  }
  const all: StreamSpec[] = rest === 'none' ? parts : [...parts, last[rest]]
  return tiers({ ...shape, parts: all as [...TierSpec[], StreamSpec], buffer: counts.buffer })
}
