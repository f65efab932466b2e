import { balanceKv } from '@sublinear/balance-kv'
import type { Shape, StreamSpec, TierSpec } from '@sublinear/core'
import { clusters, farKeys, h2o, quantised, tiers, window, type Tiers } from '@sublinear/kv-cache'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream, meanStream } from '@sublinear/streaming-attention'
import { momentCoreset } from '../moment-coreset'

/**
 * What decides which tokens a tier keeps: the newest; those that have received the most attention (h2o), for which queries must come with their
 * tokens, in `step`; those whose keys are farthest from their mean.
 */
export const SELECTIONS = ['recent', 'attended', 'far'] as const

/** Tokens that stay, in so many bits an entry. */
export interface Kept {
  readonly by: (typeof SELECTIONS)[number]
  /** Of the bytes that the fixed parts leave, in (0, 1]. */
  readonly share: number
  readonly keyBits: number
  readonly valueBits: number
}

/**
 * What takes the tokens that no tier keeps: nothing; one mean token, the Gaussian closure; or in the bytes that the shares leave over clusters, a
 * coreset halved by balanceKv, or moments of degree 1 with one.
 */
export const RESTS = ['none', 'mean', 'closure', 'clusters', 'halving', 'moments'] as const
/** Those that take bytes of their own. */
const SIZED: ReadonlySet<string> = new Set<Stack['rest']>(['clusters', 'halving', 'moments'])

export function isSized({ rest }: Pick<Stack, 'rest'>): boolean {
  return SIZED.has(rest)
}

/** Moments are of features, which have none for a scale of 0 or below. */
export function isForScale({ rest }: Pick<Stack, 'rest'>, scale: number): boolean {
  return rest !== 'moments' || scale > 0
}

/** Tiers for any budget, as plain JSON: what is held follows from the bytes. */
export interface Stack {
  /** The newest tokens, exactly, in float32. */
  readonly window: number
  /** In order: what one lets go the next may keep. Shares add up to at most 1. */
  readonly kept: readonly Kept[]
  readonly rest: (typeof RESTS)[number]
}

/** A copy of what a stack says, and no more. */
export function copyOf({ window, kept, rest }: Stack): Stack {
  return {
    window,
    kept: kept.map(({ by, share, keyBits, valueBits }) => ({ by, share, keyBits, valueBits })),
    rest,
  }
}

/** Numbers of tokens, for one budget or one rate. */
export interface Counts {
  readonly window: number
  readonly kept: readonly number[]
  /** Bytes of a rest that takes its own. */
  readonly restBytes: number
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
/** A coreset of fewer tokens is not begun. */
const LEAST_CORESET = 24
/** What the description of features takes at most. */
const SPEC_BYTES = 128
/** Of the attended tokens, the latest, which stay in any case. */
const RECENT = 4
/** On a pilot. */
const PILOT_BUFFER = 16
const PILOT_REST = 4

/**
 * How many tokens a stack holds within a budget: the bytes of its fixed parts are taken away, the rest is shared out.
 *
 * @returns counts of at least 1 a tier; undefined where the budget is too small for that, or the rest is none for this scale
 * Guarantee: `builtStack` with these counts never holds more than budgetBytes.
 */
export function countsWithin(stack: Stack, { d, dv, scale, budgetBytes, weighted }: Budget): Counts | undefined {
  if (!isForScale(stack, scale)) return undefined
  const token = 4 * (d + dv) + (weighted ? 8 : 0) // in float32
  const buffer = Math.min(MOST_WAITING, Math.max(LEAST_WAITING, Math.floor(budgetBytes / WAITING / token)))
  const restBuffer = stack.rest === 'mean' || stack.rest === 'closure' ? Math.min(16, buffer >> 1) : 0
  const fixed = {
    none: 0,
    clusters: 0,
    halving: 0,
    moments: 0,
    mean: 8 * (d + dv) + 8 + restBuffer * token,
    closure: 2 * d * (d + 1) + 4 * d * dv + 8 * (d + 2 * dv) + 8 + restBuffer * token,
  }[stack.rest]
  const state = stack.kept.reduce((sum, { by }) => sum + stateBytes(by, d, dv, buffer), 0)
  const left = budgetBytes - fixed - state - (buffer + stack.window) * token
  const used = stack.kept.reduce((sum, { share }) => sum + share, 0)
  const counts = {
    window: stack.window,
    // By name: a recipe from JSON may have more in it.
    kept: stack.kept.map(({ by, share, keyBits, valueBits }) =>
      Math.floor(
        ((share / Math.max(1, used)) * left) / (codedBytes({ d, dv, keyBits, valueBits, weighted }) + SLOT_BYTES[by]),
      ),
    ),
    restBytes: isSized(stack) ? Math.floor((1 - used) * left) : 0,
    buffer,
    restBuffer,
  }
  const fits =
    left >= 0 &&
    counts.kept.every((count) => count >= 1) &&
    (!isSized(stack) || counts.restBytes >= leastRest(stack.rest, d, dv))
  return fits ? counts : undefined
}

/** Beside the codes of a token: its place in the stream and the attention it has received. */
const SLOT_BYTES: Record<Kept['by'], number> = { recent: 0, attended: 12, far: 0 }

/** Beside its tokens: the running mean of far keys, the attention that waiting tokens have received; and the centres of the store. */
function stateBytes(by: Kept['by'], d: number, dv: number, buffer: number): number {
  return { recent: 0, attended: 8 * buffer, far: 16 * d }[by] + 4 * (d + dv)
}

/** Whether a tier of it needs the queries that tokens come with. */
export function learns({ kept }: Stack): boolean {
  return kept.some(({ by }) => by === 'attended')
}

/** Of a cluster: two means, a weight as a token's and one as a count. */
const clusterBytes = (d: number, dv: number) => 4 * (d + dv) + 16

/** One cluster; a coreset of at least 24 tokens, beside the moments where there are any. */
function leastRest(rest: Stack['rest'], d: number, dv: number): number {
  if (rest === 'clusters') return clusterBytes(d, dv)
  return LEAST_CORESET * (4 * (d + dv) + 8) + (rest === 'moments' ? (d + 1) * (4 * dv + 8) + SPEC_BYTES : 0)
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
export function countsAtRate(stack: Stack, counts: Counts, rate: number, { d, dv }: Shape): Counts {
  const scaled = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(count * rate)))
  const restBuffer = Math.min(PILOT_REST, counts.restBuffer)
  const more = PILOT_BUFFER + restBuffer - scaled(counts.buffer + counts.restBuffer)
  const kept = counts.kept.map(scaled)
  const restBytes = isSized(stack) ? Math.max(leastRest(stack.rest, d, dv), scaled(counts.restBytes)) : 0
  if (kept.length > 0) kept[kept.length - 1] = Math.max(1, kept.at(-1)! - more)
  return { window: scaled(counts.window), kept, restBytes, buffer: PILOT_BUFFER, restBuffer }
}

/** The tiers of a stack with these counts, empty. */
export function builtStack(stack: Stack, counts: Counts, shape: Shape): Tiers {
  const parts: TierSpec[] = [
    ...(counts.window > 0 ? [window({ count: counts.window })] : []),
    ...stack.kept.map(({ by, keyBits, valueBits }, i) => {
      const held = { count: counts.kept[i]!, store: quantised({ keyBits, valueBits }) }
      return {
        recent: () => window(held),
        attended: () => h2o({ ...held, recent: Math.floor(held.count / RECENT) }),
        far: () => farKeys(held),
      }[by]()
    }),
  ]
  const { rest } = stack
  const buffer = Math.max(1, counts.restBuffer)
  const last: Record<Exclude<Stack['rest'], 'none'>, StreamSpec> = {
    mean: (given) => meanStream({ ...given, buffer }),
    closure: (given) => closureStream({ ...given, buffer }),
    clusters: (given) =>
      clusters({ count: Math.max(1, Math.floor(counts.restBytes / clusterBytes(given.d, given.dv))) })(given),
    halving: (given) => balanceKv({ ...given, seed: 0, budget: counts.restBytes }),
    moments: ({ d, dv, scale }) =>
      momentCoreset({ features: taylorFeatures({ d, degree: 1, scale }), dv, seed: 0, budget: counts.restBytes }),
  }
  const all: StreamSpec[] = rest === 'none' ? parts : [...parts, last[rest]]
  return tiers({ ...shape, parts: all as [...TierSpec[], StreamSpec], buffer: counts.buffer })
}
