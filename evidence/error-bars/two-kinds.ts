import { closureStream, policies, tiers } from '@sublinear/attention'
import type { AttentionStream, KvBlock, Matrix, Shape } from '@sublinear/core'
import { random } from '@sublinear/laws'

export const shape: Shape = { d: 8, dv: 24, scale: 0.35 }
export const n = 1000
/** Queries of a stream. */
export const ROWS = 12

const { clusters, farKeys, measured } = policies

/** Tokens of two kinds, so far apart; with 0 of one kind. A closure makes one Gaussian of both. */
export function twoKinds(seed: number, apart: number): KvBlock & { readonly queries: Matrix } {
  const [keys, values, kinds, parts] = [
    random(n, 8, seed),
    random(n, 24, seed + 1),
    random(n, 1, seed + 2),
    random(24, 6, seed + 3),
  ]
  const side = (token: number) => apart * (kinds.data[token] < 0.3 ? 1 : -0.5)
  const shifts = Array.from({ length: 24 }, (_, c) =>
    parts.data.subarray(6 * c, 6 * c + 6).reduce((sum, x) => sum + x, 0),
  )
  return {
    keys: { ...keys, data: keys.data.map((x, i) => x + side((i / 8) | 0)) },
    values: { ...values, data: values.data.map((x, i) => x + shifts[i % 24] * side((i / 24) | 0)) },
    queries: { rows: ROWS, cols: 8, data: random(ROWS, 8, seed + 4).data.map((x) => 1.5 * x) },
  }
}

/** Summaries with an error beyond that of a sample of 300 tokens, by which their bars are measured, and how far the kinds are apart. */
export const judged: readonly [string, number, (seed: number) => AttentionStream][] = [
  ['a closure', 2, (seed) => measured({ of: closureStream, count: 300, seed })(shape)],
  ['one cluster', 2, (seed) => measured({ of: clusters({ count: 1 }), count: 300, seed })(shape)],
  ['far keys that forget', 1, (seed) => measured({ of: farKeys({ count: 200 }), count: 300, seed })(shape)],
  [
    'a closure behind far keys',
    2,
    (seed) => tiers({ ...shape, parts: [farKeys({ count: 100 }), measured({ of: closureStream, count: 300, seed })] }),
  ],
]
