import { checkFinite, checkObject, checkSeed, MOST_WEIGHT, type KvBlock, type Seed } from '@sublinear/core'
import { balanceKernel, type Sums } from './balance-kernel'
import { coins, type Halved, type Halving } from './halving'
import { neighbours, onePerPair } from './pairs'
import { greedyWalk, pairWalk, theoryWalk, type Signs } from './balancing-walks'

const WHO = 'softmaxBalance'

export type SoftmaxBalanceOptions = {
  /** 64 bits that decide every coin. */
  readonly seed: Seed
  /** Sums to balance: 'joint' (the default), one weighted set for numerator and denominator; 'apart', the paper's, a set for one of them alone. */
  readonly sums?: Sums | undefined
} & (
  | {
      /** The walk of the analysis, with its constants. */
      readonly mode: 'theory'
      /** Probability that the walk fails, above 0 and below 1. */
      readonly delta: number
    }
  | {
      /** Sign against the drift: keeps exactly half. */
      readonly mode: 'greedy'
    }
  | {
      /** One of each two neighbours, against the drift: keeps exactly half. */
      readonly mode: 'pairs'
    }
)

/**
 * Makes a halving that moves the sums Σ w·exp(scale·⟨q, k⟩)·v of every query little: it finds signs that balance the tokens as vectors.
 * Source: SoftmaxBalance (BalanceKV, Theorem 3.3), mode 'theory' with sums 'apart'. Deviation: keys are centred in the block; 'joint' balances
 *   the mass in the same walk; a failed walk is counted and goes on; a class that stays empty, as may happen with a handful of tokens, gets one
 *   token that stands for all. 'greedy' does what released code does in effect, but with classes of equal size; 'pairs' signs the differences of neighbours.
 *
 * Guarantee: of an even number of tokens, 'greedy' and 'pairs' keep exactly half, 'theory' the smaller class, and each kept token stands for two; 'pairs'
 *   keeps the total weight whatever the weights. Over seeds, no token is preferred. In 'theory' mode a failure has probability at most delta a block, and the
 * imbalance of a query fixed before the seed is at most √dv·c·e^{scale·‖q‖²/2} times the largest norm.
 * Cost: 2·m²·(d + dv) operations, an exp for each of m² entries, and m²/2 multiply-adds for the walk ('pairs': m²).
 *
 * @throws TypeError, RangeError when an option is missing or out of range
 */
export function softmaxBalance(options: SoftmaxBalanceOptions): Halving {
  checkObject('softmaxBalance', options)
  const { mode, sums = 'joint' } = options
  const seed = checkSeed(WHO, options.seed)
  if (mode !== 'theory' && mode !== 'greedy' && mode !== 'pairs')
    throw new RangeError(`${WHO}: mode must be theory, greedy or pairs, got ${String(mode)}`)
  if (sums !== 'joint' && sums !== 'apart')
    throw new RangeError(`${WHO}: sums must be joint or apart, got ${String(sums)}`)
  const identity = { kind: 'softmax-balance', mode, seed: String(seed), sums }
  if (mode === 'pairs') return { spec: JSON.stringify(identity), seed, halve: pairHalving(sums, seed) }
  if (mode === 'greedy')
    return { spec: JSON.stringify(identity), seed, halve: walkHalving(sums, seed, greedyWalk, () => 1) }
  const { delta } = options
  checkFinite(WHO, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${WHO}: delta must be below 1, got ${delta}`)
  return {
    spec: JSON.stringify({ ...identity, delta }),
    seed,
    halve: walkHalving(sums, seed, (entries, weights, luck) => theoryWalk(entries, weights, luck, delta), smaller),
  }
}

type Walk = (kernel: Float32Array, weights: Float32Array | undefined, luck: Float64Array) => Signs

function walkHalving(sums: Sums, seed: bigint, walk: Walk, wanted: (signs: Int8Array) => number): Halving['halve'] {
  return (block, scale, draw) => {
    const { rows } = block.keys
    const luck = coins(seed, draw, rows + 1)
    const { signs, failures } = walk(balanceKernel(block, scale, sums), block.weights, luck.subarray(0, rows))
    return { ...classOf(block, signs, wanted(signs), luck[rows]), failures }
  }
}

function pairHalving(sums: Sums, seed: bigint): Halving['halve'] {
  return (block, scale, draw) => {
    const { rows } = block.keys
    const pairs = neighbours(rows)
    const second = pairWalk(
      balanceKernel(block, scale, sums),
      block.weights,
      rows,
      pairs,
      coins(seed, draw, pairs.length / 2),
    )
    return onePerPair(block, pairs, (p) => second[p] === 1)
  }
}

/** The sign of the smaller class; +1 where both are equal, since a coin has decided the signs. */
function smaller(signs: Int8Array): number {
  return signs.reduce((sum, sign) => sum + sign, 0) <= 0 ? 1 : -1
}

/** The tokens of one sign at twice their weights; where there are none, one token, drawn by its weight, for all. */
function classOf({ keys: { rows }, weights }: KvBlock, signs: Int8Array, wanted: number, coin: number): Halved {
  const kept = Uint32Array.from(signs.keys()).filter((i) => signs[i] === wanted)
  const weightOf = (i: number) => weights?.[i] ?? 1
  if (rows === 1) return { kept: Uint32Array.of(0), weights: Float32Array.of(weightOf(0)), failures: 0 }
  const twice = (i: number) => Math.min(MOST_WEIGHT, 2 * weightOf(i))
  if (kept.length > 0 || rows === 0) return { kept, weights: Float32Array.from(kept, twice), failures: 0 }
  const total = signs.reduce((sum, _, i) => sum + weightOf(i), 0)
  let one = 0
  for (let left = coin * total - weightOf(0); left >= 0 && one < rows - 1; left -= weightOf(++one));
  return { kept: Uint32Array.of(one), weights: Float32Array.of(Math.min(MOST_WEIGHT, total)), failures: 0 }
}
