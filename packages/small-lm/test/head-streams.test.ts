// Every method of the catalogue over all heads of a small model: peaks as a snapshot and the stream's own bytes show them, and sizes that leave
// little of the budget unused.
// Kills: layers of pyramidKv that all get the same, one seed for all heads (equal samples), sizes found while the buffer is never full (peak
// 1.003 times the budget), h2o sized by push alone (1.01 times it once it has learnt), quantised in more bits than fit, advice of one head
// given to another.
import { catalogue } from '@sublinear/attention'
import { matrix, type AttentionStream } from '@sublinear/core'
import { describe, expect, test } from 'vitest'
import { advisedStreams, headStreams, type LanguageModel } from '../src'

const model = { config: { layers: 2, heads: 2, d: 8 } as LanguageModel['config'] }
const shape = { d: 8, dv: 8, scale: 1 / Math.sqrt(8) }
const [budgetBytes, tokens] = [11_200, 700]
const bounded = catalogue.map(({ name }) => name).filter((name) => name !== 'exact')
/** The smallest of them, or of a few fixed sizes, whatever the budget. */
const small = ['mean', 'firstOrder', 'closure', 'taylor', 'anisotropic', 'momentCoreset', 'mergeReduce']

/** Numbers in [−1, 1] from a fixed linear congruence. */
function rows(count: number, seed: number) {
  let x = seed >>> 0
  const out = matrix(count, 8)
  for (let i = 0; i < out.data.length; i++) out.data[i] = (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1
  return out
}

/** Bytes of a snapshot behind the header and the eight bytes of its length. */
function tensorBytes(snapshot: Uint8Array): number {
  return snapshot.length - 8 - Number(new DataView(snapshot.buffer, snapshot.byteOffset).getBigUint64(0, true))
}

/** Most bytes held after any call while all tokens are stepped. */
function peakOf(stream: AttentionStream): number {
  let peak = stream.bytes
  for (let from = 0; from < tokens; from += 50) {
    stream.step({ keys: rows(50, from + 1), values: rows(50, from + 2) }, rows(50, from + 3))
    peak = Math.max(peak, stream.bytes, tensorBytes(stream.toBytes()))
  }
  return peak
}

const pilots = Array.from({ length: 4 }, (_, i) => ({
  queries: rows(64, i + 5),
  keys: rows(64, i + 1),
  values: rows(64, i),
}))
const specOf = (name: string, bytes = budgetBytes) => {
  const method = catalogue.find((one) => one.name === name)!
  return headStreams({ model, method, budgetBytes: bytes, tokens, pilots })
}
const peaks = (name: string) => [0, 1].map((layer) => [0, 1].map((head) => peakOf(specOf(name)!(shape, layer, head))))

const of = (count: number) => ({ method: 'window', options: { count } })

describe('streams of a model', () => {
  test.each(bounded)('%s holds at most its budget over all heads, and most of it', (name) => {
    const total = peaks(name)
      .flat()
      .reduce((a, b) => a + b)
    expect(total).toBeLessThanOrEqual(4 * budgetBytes)
    if (!small.includes(name)) expect(total).toBeGreaterThan(2.6 * budgetBytes)
  })

  test('pyramidKv gives the first layers more', () => {
    const [first, last] = peaks('pyramidKv')
    expect(first[0] / last[0]).toBeGreaterThan(2)
    expect(first[0]).toBe(first[1])
  })

  test('heads draw their own samples; the same head the same one', () => {
    const make = specOf('reservoir')!
    const places = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 0],
    ] as const
    const seen = places.map(([layer, head]) => {
      const stream = make(shape, layer, head)
      peakOf(stream)
      return String(stream.toBytes())
    })
    expect(new Set(seen).size).toBe(3)
  })

  test('exact takes what it needs; what has no room says so', () => {
    expect(peakOf(specOf('exact')!(shape, 0, 0))).toBeGreaterThan(64 * tokens)
    for (const name of bounded) expect([name, specOf(name, 40)]).toEqual([name, undefined])
  })

  test('advice gives each head its own method and options, and is refused as a whole', () => {
    const make = advisedStreams(
      model,
      [
        [of(10), of(20)],
        [of(30), { method: 'exact', options: {} }],
      ],
      catalogue,
    )
    const held = [0, 1].map((layer) => [0, 1].map((head) => peakOf(make(shape, layer, head))))
    expect([held[0][1] - held[0][0], held[1][0] - held[0][1]]).toEqual([640, 640])
    expect(held[1][1]).toBeGreaterThan(64 * tokens)
    for (const [wrong, what] of [
      [undefined, 'must be 2 layers of 2 heads'],
      [[[of(1)], [of(1)]], 'must be 2 layers of 2 heads'],
      [
        [
          [of(1), of(1)],
          [of(1), { method: 'windw', options: {} }],
        ],
        'no method is called "windw"',
      ],
      [
        [
          [of(1), of(1)],
          [of(1), of(0)],
        ],
        'count must be an integer >= 1, got 0',
      ],
      [
        [
          [of(1), of(1)],
          [of(1), { method: 'window' }],
        ],
        'options of window must be an object',
      ],
    ] as const)
      expect(() => advisedStreams(model, wrong as never, catalogue)).toThrow(what)
  })
})
