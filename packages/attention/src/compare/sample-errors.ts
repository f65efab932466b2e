import { emptyPartial, philox, rowsOf } from '@sublinear/core'
import { heldTokens, normalise } from '@sublinear/exact-attention'
import type { BoardErrors, OverQueries } from './board'
import type { Part, Truth } from './truth'

interface SampleOptions {
  readonly part: Part
  readonly truth: Truth
  readonly bytes: number
  readonly seed: number
  readonly samples: number
}

/**
 * What exact attention over a uniform sample gets, of as many tokens as the bytes hold in float32: mean over some samples.
 * Source: Vitter's reservoir (1985), algorithm R: after t tokens each is held with the same probability, so one pass suffices.
 */
export function sampleErrors({ part, truth, bytes, seed, samples }: SampleOptions): BoardErrors {
  const { shape, keys } = part
  const most = Math.min(keys.rows, Math.floor(bytes / (4 * (shape.d + shape.dv))))
  if (most === 0) return truth.errors(new Float32Array(truth.exact.data.length))
  return meanOf(Array.from({ length: samples }, (_, lane) => truth.errors(answersOf(part, most, seed, lane))))
}

function answersOf({ shape, groups, prefix, queries, keys, values }: Part, most: number, seed: number, lane: number) {
  const { dv } = shape
  const held = heldTokens({ ...shape, most })
  const out = new Float32Array((queries.rows - prefix * groups) * dv)
  const words = new Uint32Array(4)
  const slots = Array.from({ length: most }, (_, slot) => slot) // of the prefix: which token lies where
  const slotOf = (t: number) => {
    if (t < most) return t
    philox(words, seed >>> 0, Math.floor(seed / 2 ** 32), t, lane, 0, 0)
    return Math.floor(((words[0]! + words[1]! / 2 ** 32) / 2 ** 32) * (t + 1))
  }
  for (let t = 0; t < prefix; t++) if (slotOf(t) < most) slots[slotOf(t)] = t
  for (const [slot, t] of slots.entries()) if (t < prefix) held.write({ keys, values }, t, 1, slot)
  for (let t = prefix; t < keys.rows; t++) {
    if (slotOf(t) < most) held.write({ keys, values }, t, 1, slotOf(t))
    const partial = emptyPartial(groups, dv)
    held.attend(rowsOf(queries, t * groups, (t + 1) * groups), partial)
    out.set(normalise(partial).data, (t - prefix) * groups * dv)
  }
  held[Symbol.dispose]()
  return out
}

function meanOf(all: readonly BoardErrors[]): BoardErrors {
  const mean = (of: (errors: BoardErrors) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length
  const over = (unit: 'softmax' | 'value'): OverQueries => ({
    mean: mean((errors) => errors[unit].mean),
    worst: mean((errors) => errors[unit].worst),
  })
  return { relative: mean(({ relative }) => relative), softmax: over('softmax'), value: over('value') }
}
