import { matrix, perRow, philox, rowsOf, type Matrix } from '@sublinear/core'
import { exactAttention } from '@sublinear/exact-attention'
import type { BoardErrors, OverQueries } from './board'
import type { Part, Truth } from './truth'

interface SampleOptions {
  readonly part: Part
  readonly truth: Truth
  readonly bytes: number
  readonly seed: number
  readonly samples: number
  /** Called after every few tokens, and awaited. */
  readonly rest: () => Promise<void>
}

/**
 * Measures exact attention over a uniform sample of as many tokens as the bytes hold in float32: the mean error over some samples.
 * Source: Vitter's reservoir (1985), algorithm R: after t tokens each is held with the same probability, so one pass suffices.
 */
export async function sampleErrors({ part, truth, bytes, seed, samples, rest }: SampleOptions): Promise<BoardErrors> {
  const { shape, keys } = part
  const most = Math.min(keys.rows, Math.floor(bytes / (4 * (shape.d + shape.dv))))
  if (most === 0) return truth.errors(new Float32Array(truth.exact.data.length))
  const all: BoardErrors[] = []
  for (let lane = 0; lane < samples; lane++) all.push(truth.errors(await answersOf(part, most, seed, lane, rest)))
  return meanOf(all)
}

async function answersOf(
  { shape, groups, prefix, queries, keys, values }: Part,
  most: number,
  seed: number,
  lane: number,
  rest: () => Promise<void>,
) {
  const { d, dv, scale, softcap, sinkLogit } = shape
  const held = { keys: matrix(most, d), values: matrix(most, dv) }
  const out = new Float32Array((queries.rows - prefix * groups) * dv)
  const words = new Uint32Array(4)
  const slots = Array.from({ length: most }, (_, slot) => slot) // the index of the token in each slot, after the prefix
  const slotOf = (t: number) => {
    if (t < most) return t
    philox(words, seed >>> 0, Math.floor(seed / 2 ** 32), t, lane, 0, 0)
    return Math.floor(((words[0] + words[1] / 2 ** 32) / 2 ** 32) * (t + 1))
  }
  const hold = (t: number, slot: number) => {
    copyRow(keys, t, held.keys, slot)
    copyRow(values, t, held.values, slot)
  }
  let asked = prefix
  /** Answers the open queries of tokens before t from the tokens held. */
  const answer = (t: number) => {
    while (asked < t) {
      const to = sinkLogit === undefined ? t : asked + 1
      const own = rowsOf(queries, asked * groups, to * groups)
      const valid = Math.min(most, asked + 1)
      const { data } = exactAttention({ ...held, queries: own, scale, softcap, valid, ...sinkAmong(valid, asked + 1) })
      out.set(data, (asked - prefix) * groups * dv)
      asked = to
    }
  }
  /** A held token stands for as many as it was drawn from: so much less is the sink beside it. */
  const sinkAmong = (count: number, seen: number) =>
    sinkLogit !== undefined && {
      sinkLogit: Array.from({ length: groups }, (_, g) => perRow(sinkLogit, g) - Math.log(seen / count)),
    }
  for (let t = 0; t < prefix; t++) if (slotOf(t) < most) slots[slotOf(t)] = t
  for (const [slot, t] of slots.entries()) if (t < prefix) hold(t, slot)
  for (let t = prefix; t < keys.rows; t++) {
    const slot = slotOf(t)
    if (slot >= most) continue
    answer(t)
    hold(t, slot)
    await rest()
  }
  answer(keys.rows)
  return out
}

function copyRow(from: Matrix, row: number, to: Matrix, slot: number): void {
  to.data.set(from.data.subarray(row * from.cols, (row + 1) * from.cols), slot * to.cols)
}

function meanOf(all: readonly BoardErrors[]): BoardErrors {
  const mean = (of: (errors: BoardErrors) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length
  const over = (unit: 'softmax' | 'value'): OverQueries => ({
    mean: mean((errors) => errors[unit].mean),
    worst: mean((errors) => errors[unit].worst),
  })
  return { relative: mean(({ relative }) => relative), softmax: over('softmax'), value: over('value') }
}
