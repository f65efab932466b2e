import { rowsOf, type KvBlock } from '@sublinear/core'
import fc from 'fast-check'
import { insist, law, sameBits, type Law } from './law'
import { randomTokens } from './token-data'

/** Structural type of the Halving of `@sublinear/balance-kv`: halves a block. */
export interface HalvesBlocks {
  readonly spec: string
  halve(
    block: KvBlock,
    scale: number,
    draw: number,
  ): { readonly kept: Uint32Array; readonly weights: Float32Array; readonly failures: number }
}

export interface HalvingLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes the halving of a seed. */
  readonly make: (seed: number) => HalvesBlocks
  /** Whether exactly ⌈m/2⌉ or ⌊m/2⌋ tokens stay, and, of an even number of equal weights, the total weight. */
  readonly exact: boolean
}

const shape = { d: 3, dv: 2, scale: 0.7 }
const input = fc.record({
  m: fc.constantFrom(1, 2, 3, 16, 63, 64),
  seed: fc.nat(1e6),
  draw: fc.nat(2 ** 40),
  weighted: fc.boolean(),
})

const blockOf = (m: number, seed: number, weighted = false) =>
  randomTokens(shape, m, { seed, scores: 2, weighted }).block

/**
 * The laws of every halving: `for (const law of halvingLaws({ name, make, exact })) test(law.name, law.run)`.
 *
 * Cost: some 5000 halvings of 16 tokens.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function halvingLaws({ name, make, exact }: HalvingLaws): Law[] {
  const rows = law(
    {
      name: 'some rows of the block stay, ascending, each with a weight',
      kills: ['a row twice', 'a row that is not there', 'nothing left', 'more than half'],
      runs: 60,
    },
    input,
    ({ m, seed, draw, weighted }) => {
      const { kept, weights } = make(seed).halve(blockOf(m, seed, weighted), shape.scale, draw)
      insist(kept.length === weights.length && kept.length > 0, `${kept.length} rows, ${weights.length} weights`)
      insist(
        kept.every((row, i) => row < m && (i === 0 || row > kept[i - 1])),
        `rows ${kept} of ${m}`,
      )
      insist(
        weights.every((w) => w > 0 && w < Infinity),
        `weights ${weights}`,
      )
      const most = Math.ceil(m / 2)
      insist(kept.length <= most && (!exact || kept.length >= Math.max(1, m >> 1)), `${kept.length} of ${m} rows`)
    },
  )

  const pure = law(
    {
      name: 'the same block, scale and draw give the same rows, and the block is left alone',
      kills: ['coins with a memory', 'a block sorted in place', 'draws that are not told apart'],
    },
    input,
    ({ m, seed, draw, weighted }) => {
      const block = blockOf(m, seed, weighted)
      const [keys, values] = [block.keys.data.slice(), block.values.data.slice()]
      const [one, other] = [make(seed), make(seed)]
      const first = one.halve(block, shape.scale, draw)
      one.halve(blockOf(9, seed), shape.scale, draw + 1)
      for (const again of [one.halve(block, shape.scale, draw), other.halve(block, shape.scale, draw)]) {
        sameBits(again.kept, first.kept, 'rows')
        sameBits(again.weights, first.weights, 'weights')
      }
      sameBits(block.keys.data, keys, 'keys')
      sameBits(block.values.data, values, 'values')
      insist(one.spec === other.spec, 'two of one seed have different specs')
    },
  )

  const weight = law(
    {
      name: 'what stays has the weight of the block',
      kills: ['weights of 1, the logarithm dropped', 'weights of 4 for 2', 'weights that are not those of the rows'],
    },
    fc.record({ seed: fc.nat(1e6), weight: fc.constantFrom(1, 2, 64) }),
    ({ seed, weight }) => {
      const block = { ...blockOf(64, seed), weights: new Float32Array(64).fill(weight) }
      const { weights } = make(seed).halve(block, shape.scale, seed)
      const share = weights.reduce((a, b) => a + b, 0) / (64 * weight)
      insist(exact ? share === 1 : share > 0.5 && share <= 1, `the kept rows have ${share} of the weight`)
    },
  )

  const fair = law(
    {
      name: 'no place of the block is preferred, over draws',
      kills: ['a sign that is always +', 'the first of every pair', 'the same rows for every draw'],
      runs: 3,
    },
    fc.record({ seed: fc.nat(1e6) }),
    ({ seed }) => {
      const [m, draws] = [16, 400]
      const half = make(seed)
      const block = blockOf(m, seed)
      const kept = new Float64Array(m)
      let total = 0
      for (let draw = 0; draw < draws; draw++) {
        const after = half.halve(block, shape.scale, draw)
        for (const [i, row] of after.kept.entries()) kept[row] += after.weights[i]
        total += after.weights.reduce((a, b) => a + b, 0)
      }
      // The mean weight of a fair row is total/(m·draws), with a standard error of 1/√draws: it is off by more than 6 of these once in 10⁸ rows.
      const mean = total / (m * draws)
      for (const [row, sum] of kept.entries())
        insist(
          Math.abs(sum / draws - mean) < (6 * mean) / Math.sqrt(draws),
          `row ${row} has ${sum / draws}, not ${mean}`,
        )
    },
  )
  return [rows, pure, weight, fair].map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

export interface HalvingMutant {
  readonly name: string
  /** End of the name of the law that must reject it. */
  readonly law: string
  readonly mutate: (halving: HalvesBlocks) => HalvesBlocks
}

/** Broken halvings, each with the law that must reject it. */
export const halvingMutants: readonly HalvingMutant[] = [
  {
    name: 'the log weight dropped',
    law: 'what stays has the weight of the block',
    mutate: altered((after) => ({ ...after, weights: after.weights.map(() => 1) })),
  },
  {
    name: 'a weight of 4 for 2',
    law: 'what stays has the weight of the block',
    mutate: altered((after) => ({ ...after, weights: after.weights.map((w) => 2 * w) })),
  },
  {
    name: 'the sign always +: the first half stays',
    law: 'no place of the block is preferred, over draws',
    mutate: altered((after) => ({ ...after, kept: after.kept.map((_, i) => i) })),
  },
  {
    name: 'coins that do not depend on the draw',
    law: 'no place of the block is preferred, over draws',
    mutate: (halving) => ({ ...halving, halve: (block, scale) => halving.halve(block, scale, 0) }),
  },
  {
    name: 'nothing halved',
    law: 'some rows of the block stay, ascending, each with a weight',
    mutate: (halving) => ({
      ...halving,
      halve: ({ keys: { rows }, weights }) => ({
        kept: Uint32Array.from({ length: rows }, (_, i) => i),
        weights: weights ?? new Float32Array(rows).fill(1),
        failures: 0,
      }),
    }),
  },
  {
    name: 'the keys sorted in place',
    law: 'the same block, scale and draw give the same rows, and the block is left alone',
    mutate: (halving) => ({
      ...halving,
      halve(block, scale, draw) {
        if (block.keys.rows > 1) rowsOf(block.keys, 0, 1).data.reverse()
        return halving.halve(block, scale, draw)
      },
    }),
  },
]

type After = ReturnType<HalvesBlocks['halve']>

function altered(change: (after: After) => After): HalvingMutant['mutate'] {
  return (halving) => ({
    ...halving,
    halve: (block, scale, draw) => change(halving.halve(block, scale, draw)),
  })
}
