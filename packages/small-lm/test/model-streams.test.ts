// Every stream of the record over all heads of a small model: peaks as a snapshot and the stream's own bytes show them, and sizes that leave
// little of the budget unused.
// Kills: layers of pyramidKv that all get the same, one seed for all heads (equal samples), sizes found while the buffer is never full (peak
// 1.003 times the budget), h2o sized by push alone (1.01 times it once it has learnt), quantised in more bits than fit.
import { matrix, type AttentionStream } from '@sublinear/core'
import { describe, expect, test } from 'vitest'
import { modelStreams, type ModelBudget } from '../src'

const model: ModelBudget = {
  d: 8,
  dv: 8,
  scale: 1 / Math.sqrt(8),
  layers: 2,
  heads: 2,
  budgetBytes: 11200,
  tokens: 700,
}
const bounded = Object.keys(modelStreams).filter((name) => name !== 'exact')

/** Numbers in [−1, 1] from a fixed linear congruence. */
function rows(count: number, seed: number) {
  let x = seed >>> 0
  const out = matrix(count, 8)
  for (let i = 0; i < out.data.length; i++) out.data[i] = (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1
  return out
}

/** Of a snapshot: what follows the eight bytes of the header's length and the header. */
function tensorBytes(snapshot: Uint8Array): number {
  return snapshot.length - 8 - Number(new DataView(snapshot.buffer, snapshot.byteOffset).getBigUint64(0, true))
}

/** Most bytes held after any call while all tokens are stepped. */
function peakOf(stream: AttentionStream): number {
  let peak = stream.bytes
  for (let from = 0; from < model.tokens; from += 50) {
    stream.step({ keys: rows(50, from + 1), values: rows(50, from + 2) }, rows(50, from + 3))
    peak = Math.max(peak, stream.bytes, tensorBytes(stream.toBytes()))
  }
  return peak
}

const peaks = (name: string) =>
  [0, 1].map((layer) => [0, 1].map((head) => peakOf(modelStreams[name]!(model)!(layer, head))))

describe('streams of a model', () => {
  test.each(bounded)('%s holds at most its budget over all heads, and most of it', (name) => {
    const total = peaks(name)
      .flat()
      .reduce((a, b) => a + b)
    expect(total).toBeLessThanOrEqual(4 * model.budgetBytes)
    expect(total).toBeGreaterThan(2.6 * model.budgetBytes)
  })

  test('pyramidKv gives the first layers more', () => {
    const [first, last] = peaks('pyramidKv')
    expect(first![0]! / last![0]!).toBeGreaterThan(2)
    expect(first![0]).toBe(first![1])
  })

  test('heads draw their own samples; the same head the same one', () => {
    const make = modelStreams['uniform']!(model)!
    const seen = [make(0, 0), make(0, 1), make(1, 0), make(1, 0)].map((stream) => {
      peakOf(stream)
      return String(stream.toBytes())
    })
    expect(new Set(seen).size).toBe(3)
  })

  test('exact takes what it needs; what has no room says so', () => {
    expect(peakOf(modelStreams['exact']!(model)!(0, 0))).toBeGreaterThan(64 * model.tokens)
    for (const name of bounded.filter((name) => name !== 'balanceKv' && name !== 'autoStream'))
      expect(modelStreams[name]!({ ...model, budgetBytes: 40 })).toBeUndefined()
    for (const name of ['balanceKv', 'autoStream'])
      expect(() => modelStreams[name]!({ ...model, budgetBytes: 40 })!(0, 0)).toThrow(RangeError)
  })
})
