import { checkSeed, type Seed } from '@sublinear/core'
import { coins, type Halving } from './halving'
import { neighbours, onePerPair } from './pairs'

/**
 * The halving that looks at nothing: of each two neighbours one, with a probability as its weight, standing for both.
 * Source: not from the papers; uniform sampling, stratified by position: what every other halving must beat.
 *
 * Guarantee: every sum Σ w·f(key, value) is kept in expectation over the seed, and the total weight exactly.
 * Cost: one random number a pair.
 *
 * @param seed  decides every choice
 * @throws TypeError, RangeError when seed is no seed
 */
export function uniformHalving({ seed }: { readonly seed: Seed }): Halving {
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
