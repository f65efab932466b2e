import { checkBlock, checkKeys } from './check'
import { checkOptions } from './check-head'
import type { KvBlock, Matrix, PartialSoftmax } from './contracts'
import { tokensOf } from './kv-block'
import { rowsOf } from './matrix'
import { emptyPartial } from './step'
import type { Layer } from './layer'

const KIND = 'batch'
/** Option names that other libraries give to padded batches; each is refused with advice. */
const PADDED = ['mask', 'attentionMask', 'attention_mask', 'attnMask', 'padding', 'lengths', 'valid']

/** Query rows of several sequences, one sequence after the other: the rows of sequence i are offsets[i] … offsets[i + 1] − 1. */
export interface PackedQueries {
  readonly queries: Matrix // r × queryHeads·d
  /** Row at which each sequence begins, then the number of rows: one entry more than there are sequences, from 0 on, never falling. */
  readonly offsets: ArrayLike<number>
}
export interface PackedTokens extends KvBlock {
  readonly offsets: ArrayLike<number>
}

/** Sequences of unequal length, each with a layer of its own, answered in one call. */
export interface Batch {
  readonly layers: readonly Layer[]
  push(tokens: PackedTokens): void
  attend(asked: PackedQueries): PartialSoftmax
  /** Pushes and answers: every sequence sees its own tokens alone, causally. The answer has queryHeads rows for each query row, in the order given. */
  step(tokens: PackedTokens & PackedQueries): PartialSoftmax
}

/**
 * Answers several sequences in one call. They come packed, so that no row of padding is stored, computed or masked.
 *
 * Guarantee: each sequence gets the answers that its layer gives alone. All layers are asked before any of them takes a token.
 *
 * @param layers  one a sequence, of equal heads and widths
 * @throws TypeError, RangeError when layers differ, offsets do not fit, or the input is padded and has a mask (the message then says how to pack it)
 * @example
 * const make = () => policies.window({ count: 64 })({ d: 2, dv: 2, scale: 1 })
 * batch([1, 2].map(() => layer({ queryHeads: 4, kvHeads: 2, make }))).layers.length // 2
 */
export function batch(layers: readonly Layer[]): Batch {
  if (!Array.isArray(layers) || layers.length === 0 || new Set(layers).size < layers.length)
    throw new TypeError(`${KIND}: layers must be a list of at least one layer, one a sequence`)
  const [first] = layers
  const { queryHeads, kvHeads, d, dv } = first
  for (const [i, other] of layers.entries()) {
    if ((['queryHeads', 'kvHeads', 'd', 'dv'] as const).some((name) => other[name] !== first[name]))
      throw new RangeError(`${KIND}: layer ${i} must have the heads and widths of layer 0`)
  }

  const rangesOf = (given: object, names: readonly string[], offsets: ArrayLike<number>, rows: number) => {
    const padded = Object.keys(given).find((name) => PADDED.includes(name))
    if (padded !== undefined)
      throw new TypeError(
        `${KIND}: there is no option ${JSON.stringify(padded)}: leave rows of padding out, whether left or right, put the sequences one after the other, and let offsets say where each begins`,
      )
    checkOptions(KIND, given, names)
    const all = Array.from(offsets ?? [])
    const isSound =
      all.length === layers.length + 1 &&
      all[0] === 0 &&
      all.at(-1) === rows &&
      all.every((at, i) => Number.isInteger(at) && (i === 0 || at >= all[i - 1]))
    if (!isSound)
      throw new RangeError(
        `${KIND}: offsets must be ${layers.length + 1} integers from 0 to ${rows}, never falling, got ${all.join(', ') || 'none'}`,
      )
    return layers.map((_, i) => [all[i], all[i + 1]] as const)
  }
  const gather = (rows: number, answers: readonly PartialSoftmax[]): PartialSoftmax => {
    const out = emptyPartial(rows * queryHeads, dv)
    let at = 0
    for (const { max, mass, sum } of answers) {
      out.max.set(max, at)
      out.mass.set(mass, at)
      out.sum.data.set(sum.data, at * dv)
      at += max.length
    }
    return out
  }
  const TOKENS = ['keys', 'values', 'weights', 'offsets']

  return {
    layers,
    push(tokens) {
      checkBlock(KIND, tokens, kvHeads * d, kvHeads * dv)
      const ranges = rangesOf(tokens, TOKENS, tokens.offsets, tokens.keys.rows)
      const blocks = ranges.map(([from, to]) => tokensOf(tokens, from, to))
      for (const [i, { check }] of layers.entries()) check.push(blocks[i])
      for (const [i, layer] of layers.entries()) layer.push(blocks[i])
    },
    attend(asked) {
      checkKeys(KIND, 'queries', asked.queries, queryHeads * d)
      const { queries } = asked
      const ranges = rangesOf(asked, ['queries', 'offsets'], asked.offsets, queries.rows)
      return gather(
        queries.rows,
        ranges.map(([from, to], i) => layers[i].attend(rowsOf(queries, from, to))),
      )
    },
    step(given) {
      checkBlock(KIND, given, kvHeads * d, kvHeads * dv)
      checkKeys(KIND, 'queries', given.queries, queryHeads * d, given.keys.rows)
      const ranges = rangesOf(given, [...TOKENS, 'queries'], given.offsets, given.keys.rows)
      const calls = ranges.map(([from, to]) => [tokensOf(given, from, to), rowsOf(given.queries, from, to)] as const)
      for (const [i, { check }] of layers.entries()) check.step(...calls[i])
      return gather(
        given.keys.rows,
        layers.map((layer, i) => layer.step(...calls[i])),
      )
    },
  }
}
