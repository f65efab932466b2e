import { rowsOf } from '@sublinear/core'
import type { Halving } from '@sublinear/balance-kv'
import type { KvBlock } from '@sublinear/attention'
import { pick } from '../references.ts'

/** Tokens that `rounds` halvings leave of all tokens, blocks of `block` one after the other: a rate of 2^−rounds. */
export function halvedTokens(tokens: KvBlock, scale: number, halving: Halving, block: number, rounds: number): KvBlock {
  let now: KvBlock & { readonly weights: Float32Array } = {
    ...tokens,
    weights: new Float32Array(tokens.keys.rows).fill(1),
  }
  let draw = 0
  for (let round = 0; round < rounds; round++) {
    const rows: number[] = []
    const weights: number[] = []
    for (let from = 0; from < now.keys.rows; from += block) {
      const to = Math.min(from + block, now.keys.rows)
      const own = {
        keys: rowsOf(now.keys, from, to),
        values: rowsOf(now.values, from, to),
        weights: now.weights.subarray(from, to),
      }
      const after = halving.halve(own, scale, draw++)
      rows.push(...Array.from(after.kept, (row) => from + row))
      weights.push(...after.weights)
    }
    now = { keys: pick(now.keys, rows), values: pick(now.values, rows), weights: Float32Array.from(weights) }
  }
  return now
}
