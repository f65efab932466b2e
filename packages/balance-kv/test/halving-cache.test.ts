// A halving cache as the last part of tiers, and both arrangements of balanceKv from their snapshots. Kills: a kind without its method, a last part
// that is pushed to in other blocks after a restore, a coreset that is not exact while there is room.
import { decodeSnapshot } from '@sublinear/core'
import { exactAttention, normalise } from '@sublinear/exact-attention'
import { restoreTiers, sinks, sinksMethod, tiers, window, windowMethod } from '@sublinear/kv-cache'
import { distance, random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { balanceKv, halvingCache, mergeReduceMethod, restoreBalanceKv, softmaxBalance } from '../src'

const shape = { d: 4, dv: 3, scale: 0.5 }
const [keys, values, queries] = [random(3000, 4, 1), random(3000, 3, 2), random(9, 4, 3)]
const halving = softmaxBalance({ mode: 'pairs', seed: 5 })
const parts = [sinksMethod, windowMethod, mergeReduceMethod]
const openPart = (bytes: Uint8Array) => {
  const { kind } = decodeSnapshot(bytes)
  return parts.find(({ name }) => name === kind)!.open(bytes, openPart)
}
const cache = (target: number) =>
  tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 32 }), halvingCache({ target, halving })] })

test('sinks, a window and a halving cache: exact while it has room, near afterwards, resumed by open', () => {
  const exact = exactAttention({ queries, keys, values, scale: 0.5 })
  const [roomy, tight] = [cache(1000), cache(64)]
  for (const stream of [roomy, tight]) stream.push({ keys, values })
  expect(distance(normalise(roomy.attend(queries)).data, exact.data)).toBeLessThan(1e-5)
  expect(distance(normalise(tight.attend(queries)).data, exact.data)).toBeLessThan(0.1)
  const resumed = restoreTiers(tight.toBytes(), openPart)
  for (const stream of [tight, resumed]) stream.push({ keys, values })
  expect(resumed.toBytes()).toEqual(tight.toBytes())
})

test.each(['joint', 'apart'] as const)('a snapshot brings back balanceKv, %s', (sums) => {
  const stream = balanceKv({ ...shape, seed: 2, budget: 9000, sums })
  stream.push({ keys, values })
  const resumed = restoreBalanceKv(stream.toBytes())
  expect(resumed.bytes).toBe(stream.bytes)
  expect(resumed.attend(queries)).toEqual(stream.attend(queries))
})
