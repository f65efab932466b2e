import { checkObject, checkSeed, type Seed } from '@sublinear/core'
import { coins, type Halving } from './halving'
import { neighbours, onePerPair } from './pairs'

/**
 * Makes a halving that looks at no data: of each two neighbours it keeps one, with a probability as its weight, which then stands for both.
 * Source: not from the papers; uniform sampling, stratified by position. Every other halving must beat it.
 *
 * Guarantee: every sum Σ w·f(key, value) is kept in expectation over the seed, and the total weight exactly.
 * Cost: one random number a pair.
 *
 * @param seed  64 bits that decide every choice
 * @throws TypeError, RangeError when seed is no 64-bit integer
 */
export function uniformHalving(options: { readonly seed: Seed }): Halving {
  const { seed } = checkObject('uniformHalving', options)
  const own = checkSeed('uniformHalving', seed)
  return {
    spec: JSON.stringify({ kind: 'uniform', seed: String(own) }),
    seed: own,
    halve(block, _, draw) {
      const pairs = neighbours(block.keys.rows)
      const luck = coins(own, draw, pairs.length / 2)
      const weightOf = (row: number) => block.weights?.[row] ?? 1
      return onePerPair(block, pairs, (p) => {
        const [i, j] = [weightOf(pairs[2 * p]), weightOf(pairs[2 * p + 1])]
        return luck[p] * (i + j) >= i
      })
    },
  }
}
