import { balanceKv, mergeReduce, softmaxBalance, uniformHalving } from '@sublinear/balance-kv'
import { exactAttention } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'
import { rowsOf, type Shape } from '@sublinear/core'
import { normalMatrix } from '../random.ts'
import { timed, type Case, type Group, type Suite } from '../suite.ts'
import { throughputGroup } from '../throughput.ts'

const [N, BLOCK] = [4096, 512]

export const suite: Suite = {
  name: 'balance-kv',
  rounds: 9,
  groups: () => [
    halvingGroup(64, 256),
    halvingGroup(32, 256),
    halvingGroup(64, 128),
    streamGroup(64),
    throughputGroup(64, 64, bounded),
  ],
}

const bounded = {
  'balanceKv, greedy, 1/8 of 4096': ({ d, dv, scale }: Shape) => balanceKv({ d, dv, scale, seed: 1, budget: d * N }),
  'balanceKv, pairs, 1/8 of 4096': ({ d, dv, scale }: Shape) =>
    balanceKv({ d, dv, scale, seed: 1, budget: d * N, mode: 'pairs' }),
}

/** A block of m tokens halved once, beside the product kernel alone: the two Gram matrices that a halving cannot do without. */
function halvingGroup(d: number, m: number): Group {
  const [keys, values] = [normalMatrix(m, d, 1), normalMatrix(m, d, 2)]
  const scale = 0.5 / Math.sqrt(d)
  const operations = 4 * m * m * d // 2·m²·(d + dv)
  const PRODUCT = 'product kernel, both Gram matrices'
  const [a, b, out] = [m * d, m * d, m * m].map((length) => kernels().floats(length))
  a.write(keys.data)
  b.write(values.data)
  const gram = () => {
    for (const x of [a, b]) kernels().product('nt', out, x, x, m, d, m)
  }
  const halve = (name: string, mode: 'theory' | 'greedy' | 'pairs'): Case => {
    const halving = softmaxBalance({ mode, seed: 1, ...(mode === 'theory' && { delta: 0.1 }) } as never)
    let draw = 0
    return { ...timed(name, () => halving.halve({ keys, values }, scale, draw++), [PRODUCT]), operations }
  }
  const uniform = uniformHalving({ seed: 1 })
  return {
    name: `halving ${m} tokens, d = dv = ${d}`,
    unit: { name: 'µs' },
    cases: [
      { ...timed(PRODUCT, gram), operations },
      halve('greedy', 'greedy'),
      halve('pairs', 'pairs'),
      halve('theory', 'theory'),
      timed('uniform', () => uniform.halve({ keys, values }, scale, 1)),
    ],
  }
}

/** Causal steps at 1/8 of the cache, and the part of their time that goes into halving. */
function streamGroup(d: number): Group {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(N, d, seed)) as [
    ReturnType<typeof normalMatrix>,
    ReturnType<typeof normalMatrix>,
    ReturnType<typeof normalMatrix>,
  ]
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  const budget = (4 * N * 2 * d) / 8
  const sizes = { blockSize: 128, levels: 3, capacity: 512 }
  const EXACT = 'exactAttention, causal'
  const through = (make: () => ReturnType<typeof balanceKv>) => () => {
    using stream = make()
    for (let from = 0; from < N; from += BLOCK) {
      const to = from + BLOCK
      stream.step({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }, rowsOf(queries, from, to))
    }
  }
  const pushed = (make: () => ReturnType<typeof balanceKv>) => () => {
    using stream = make()
    stream.push({ keys, values })
  }
  const greedy = () => balanceKv({ ...shape, seed: 1, budget })
  const pairs = () => balanceKv({ ...shape, seed: 1, budget, mode: 'pairs' })
  const uniform = () => mergeReduce({ ...shape, ...sizes, halving: uniformHalving({ seed: 1 }) })
  return {
    name: `causal, blocks of ${BLOCK}, n = ${N}, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: N },
    cases: [
      timed(EXACT, () => exactAttention({ queries, keys, values, scale: shape.scale, causal: true })),
      timed('balanceKv, greedy, 1/8', through(greedy), [EXACT]),
      timed('balanceKv, pairs, 1/8', through(pairs), [EXACT]),
      timed('uniform halving, 512 tokens', through(uniform), [EXACT]),
      timed('balanceKv, greedy, push alone', pushed(greedy)),
    ],
  }
}
