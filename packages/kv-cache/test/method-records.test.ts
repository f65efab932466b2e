// Records of methods beyond what the options of each say: those within others, those whose sizes follow from bits, and what a snapshot may say of sizes.
// Truth: bytes of streams that were filled, and the next larger size, which has no room.
// Kills: a sample that takes more or less than a quarter, a seed that is the same for two heads, a count of none at a small rate, codes where scores are capped, tokens that wait
// counted as stored, bits that are no multiple of 1/32, a size that a snapshot says and nobody looks at.
import { decodeSnapshot, encodeSnapshot, type Method, type Shape, type Traffic } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { closureMethod, meanMethod } from '@sublinear/streaming-attention'
import { quantised, type TokenStore } from '@sublinear/token-store'
import { describe, expect, it, test } from 'vitest'
import {
  autoMethod,
  curMethod,
  entropyCodedMethod,
  farKeysMethod,
  h2oMethod,
  lagKvMethod,
  measuredMethod,
  pyramidCounts,
  pyramidKvMethod,
  quantisedMethod,
  reservoirMethod,
  restoreTiers,
  sinks,
  sinksMethod,
  snapKvMethod,
  streamingLlmMethod,
  tiers,
  window,
  windowMethod,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const traffic: Traffic = { tokens: Infinity }
const place = { layer: 2, layers: 5, head: 3, heads: 7 }
const block = (tokens: number, weighted = false) => ({
  keys: random(tokens, 3, 1),
  values: random(tokens, 2, 2),
  ...(weighted && { weights: Float32Array.from({ length: tokens }, (_, i) => 1 + (i % 3)) }),
})
function nothing(): never {
  throw new Error('there are no streams in it')
}

describe('a measured method', () => {
  const method = measuredMethod(windowMethod)

  it('is the method with a word more, and says of the rest what both can', () => {
    expect([method.name, method.source, method.learns]).toEqual(['window, measured', windowMethod.source, 'nothing'])
    expect(method.can).toEqual(windowMethod.can.filter((one) => reservoirMethod.can.includes(one)))
    expect(measuredMethod(h2oMethod).can).toEqual(h2oMethod.can)
    expect([method, measuredMethod(entropyCodedMethod)].map((one) => one.slow)).toEqual([undefined, true])
    expect(method.needsQueries).toBeUndefined()
    const auto = measuredMethod(autoMethod([windowMethod, h2oMethod, meanMethod]))
    const needs = (by: string) =>
      auto.needsQueries!({
        of: { budgetBytes: 9000, tokens: 100, stack: { window: 0, kept: [{ by, share: 1, keyBits: 4, valueBits: 4 }], rest: 'mean' } },
        count: 9, buffer: 4, isFloat32: true, seed: 0,
      }) // prettier-ignore
    expect([needs('h2o'), needs('window')]).toEqual([true, false])
    for (const none of [undefined, null, {}]) expect(() => measuredMethod(none as never)).toThrow(/^measuredMethod: /)
  })

  it.each([3000, 20_000])('gives a quarter of %i bytes to the sample, and the rest to the method', (budget) => {
    const options = method.within(shape, budget, traffic)!
    const { count, buffer } = options
    const sample = (own: number) => method.bytes(shape, { ...options, count: own }, traffic) - windowMethod.bytes(shape, options.of, traffic) // prettier-ignore
    expect(sample(count)).toBeLessThanOrEqual(budget / 4)
    expect(sample(count + 1)).toBeGreaterThan(Math.floor(budget / 4))
    expect(buffer).toBe(Math.max(1, Math.min(64, Math.floor(budget / 4 / 160))))
    expect(options.of).toEqual(windowMethod.within(shape, budget - sample(count), traffic))
    using stream = method.make(shape, options)
    stream.push(block(3000))
    expect(stream.bytes).toBe(method.bytes(shape, options, traffic))
    expect(method.open(stream.toBytes(), nothing).toBytes()).toEqual(stream.toBytes())
  })

  it('holds no more out than tokens come, and nothing where bytes are few', () => {
    expect(method.within(shape, 20_000, { tokens: 20 })!.count).toBe(20)
    expect(method.within(shape, 20_000, { tokens: 0 })!.count).toBe(1)
    for (const budget of [40, 200]) expect(method.within(shape, budget, traffic)).toBeUndefined()
    expect(method.within(shape, 1000, traffic)).toBeDefined()
  })

  it('holds them exactly where scores have a cap, else in dithered codes of a seed of its own for each head', () => {
    const plain = method.within(shape, 9000, traffic)!
    const capped = method.within({ ...shape, softcap: 5 }, 9000, traffic)!
    expect([plain.isFloat32, capped.isFloat32]).toEqual([false, true])
    expect([plain.seed, method.within(shape, 9000, { ...traffic, place })!.seed]).toEqual([0, 17])
    for (const [options, own] of [[plain, shape], [capped, { ...shape, softcap: 5 }]] as const) {
      const saved = decodeSnapshot(method.make(own, { ...options, seed: 4 }).toBytes()).parameters['sample']
      expect(saved.includes('\\"dither\\":\\"4\\"')).toBe(options === plain)
      expect(saved).toContain('"seed":"4"')
    } // prettier-ignore
  })

  it('shrinks with a rate, sample and method alike, and never to nothing', () => {
    const options = method.within(shape, 20_000, traffic)!
    const half = method.atRate!(shape, options, 0.5)
    expect(half.of).toEqual(windowMethod.atRate!(shape, options.of, 0.5))
    expect(half.count).toBe(Math.round(options.count / 2))
    expect(half.buffer).toBe(Math.max(16, Math.round(options.buffer / 2)))
    expect([half.isFloat32, half.seed]).toEqual([options.isFloat32, options.seed])
    expect(method.atRate!(shape, options, 1e-9).count).toBe(1)
    const fixed = measuredMethod(closureMethod)
    const own = fixed.within(shape, 20_000, traffic)!
    expect(fixed.atRate!(shape, own, 0.5).of).toEqual(closureMethod.atRate?.(shape, own.of, 0.5) ?? own.of)
  })

  it('stands beside options that are given, with as many tokens as are asked for, or as come', () => {
    const of = { count: 9, buffer: 4 }
    expect(method.beside(shape, of, 30, { tokens: 500, place })).toEqual({ of, count: 30, buffer: 3, isFloat32: false, seed: 17 }) // prettier-ignore
    expect(method.beside(shape, of, 30, { tokens: 20 }).count).toBe(20)
    expect(method.beside(shape, of, 30, { tokens: 0 }).count).toBe(1)
    expect(method.beside(shape, of, 3000, traffic).buffer).toBe(64)
    expect(method.beside({ ...shape, softcap: 2 }, of, 3, traffic).isFloat32).toBe(true)
  })
})

describe('entropyCoded', () => {
  const { bytes, within, variants, atRate } = entropyCodedMethod

  test('has all tokens that are stored where the bits are enough, in the finest 32nds of a bit; else the usual bits', () => {
    let [all, some] = [0, 0]
    for (const tokens of [1, 64, 65, 150, 700])
      for (let budget = 250; budget < 9000; budget += 7) {
        const options = within(shape, budget, { tokens })
        if (!options) continue
        const { buffer = 64 } = options
        expect(buffer).toBe(Math.max(1, Math.min(64, Math.floor(budget / 640))))
        const stored = Math.max(1, tokens - (((tokens - 1) % buffer) + 1))
        expect(bytes(shape, options, { tokens })).toBeLessThanOrEqual(budget)
        const hasRoom = bytes(shape, { ...options, count: stored, bits: 4 }, { tokens }) <= budget
        expect([options.count >= stored, options.bits >= 4]).toEqual([hasRoom, true])
        if (hasRoom) {
          all++
          expect(options.count).toBe(stored)
          expect(Number.isInteger(32 * options.bits)).toBe(true)
          const finer = Math.min(12, options.bits + 2 / 5) // one bit more for each token
          if (options.bits < 12) expect(bytes(shape, { ...options, bits: finer }, { tokens })).toBeGreaterThan(budget - stored / 8 - 1) // prettier-ignore
        } else {
          some++
          expect(options.bits).toBe(4)
          expect(bytes(shape, { ...options, count: options.count + 1 }, { tokens })).toBeGreaterThanOrEqual(budget)
        }
      }
    expect(Math.min(all, some)).toBeGreaterThan(300)
    expect(within(shape, 100, { tokens: 9 })).toBeUndefined()
  })

  test('is tried in other bits, as many as have room, and follows a rate', () => {
    expect(variants!(shape, 5000, traffic).map((one) => one.bits)).toEqual([3, 5, 6, 8])
    expect(variants!(shape, 100, traffic)).toEqual([])
    expect(within(shape, 5000, traffic)!.bits).toBe(4)
    const options = { count: 200, bits: 5, buffer: 40 }
    expect(atRate!(shape, options, 0.5)).toEqual({ count: 100, bits: 5, buffer: 20 })
    expect(atRate!(shape, { count: 200, bits: 5 }, 0.5)).toEqual({ count: 100, bits: 5, buffer: 32 })
    expect(atRate!(shape, options, 0.001)).toEqual({ count: 1, bits: 5, buffer: 16 })
  })

  test('counts 8 more bytes for every token that waits where weights may come', () => {
    const options = { count: 20, bits: 5, buffer: 10 }
    const weighted = bytes(shape, options, { ...traffic, weighted: true })
    expect(weighted - bytes(shape, options, traffic)).toBe(80)
    using stream = entropyCodedMethod.make(shape, options)
    stream.push(block(100, true))
    expect(stream.bytes).toBe(weighted)
  })
})

describe('quantised', () => {
  const { bytes, within, tierBytes } = quantisedMethod

  test.each([50, 300, 2000])('has %i tokens in the most bits that have room', (tokens) => {
    const found = new Set<number>()
    for (let budget = 500; budget < 40_000; budget += 390) {
      const options = within(shape, budget, { tokens })
      const finest = Array.from({ length: 13 }, (_, i) => 16 - i).find((bits) => {
        const own = { ...options, keyBits: Math.ceil(bits / 2), valueBits: Math.floor(bits / 2), buffer: Math.max(1, Math.min(64, Math.floor(budget / 160))) } // prettier-ignore
        const first = fewFirst(own, tokens)
        return bytes(shape, { ...own, ...(first < 256 ? { first } : {}) }, { tokens }) <= budget
      })
      expect(options && options.keyBits + options.valueBits).toBe(finest)
      if (!options) continue
      found.add(finest!)
      expect(options.keyBits - options.valueBits).toBe(finest! % 2)
      using stream = quantisedMethod.make(shape, options)
      stream.push(block(tokens))
      expect(stream.bytes).toBeLessThanOrEqual(bytes(shape, options, { tokens }))
      expect(bytes(shape, options, { tokens })).toBeLessThanOrEqual(budget)
    }
    expect(found.size).toBeGreaterThan(tokens > 100 ? 2 : 0)
  })
  /** First tokens held exactly that take no more bytes than all tokens in codes. */
  const fewFirst = (options: Parameters<typeof tierBytes>[1], tokens: number) => {
    const stored = tokens - (((tokens - 1) % options.buffer!) + 1)
    return Math.max(1, Math.floor(tierBytes(shape, { ...options, first: 1 }, { tokens: stored }, 0) / 20))
  }

  test('has no end of bytes where tokens have none, and of none only its own', () => {
    const options = { keyBits: 4, valueBits: 4 }
    expect([bytes(shape, options, traffic), tierBytes(shape, options, traffic, 3)]).toEqual([Infinity, Infinity])
    expect(within(shape, 1e9, traffic)).toBeUndefined()
    expect(bytes(shape, options, { tokens: 0 })).toBe(bytes(shape, options, { tokens: 64 }))
    expect(bytes(shape, { ...options, buffer: 9 }, { tokens: 9, weighted: true })).toBe(bytes(shape, { ...options, buffer: 9 }, { tokens: 9 }) + 72) // prettier-ignore
  })
})

describe('pyramidKv', () => {
  test('has the bytes of its layer, and of all layers together those of the average', () => {
    const own = { layers: 4, count: 60 }
    const counts = pyramidCounts(own)
    for (const [layer, count] of counts.entries()) {
      const told = pyramidKvMethod.bytes(shape, { ...own, layer }, traffic)
      expect(told).toBe(snapKvMethod.bytes(shape, { count, window: 8 }, traffic))
      expect(pyramidKvMethod.tierBytes(shape, { ...own, layer }, traffic, 9)).toBe(snapKvMethod.tierBytes(shape, { count, window: 8 }, traffic, 9)) // prettier-ignore
      using stream = pyramidKvMethod.make(shape, { ...own, layer })
      stream.step(block(300), random(300, 3, 3))
      expect(stream.bytes).toBe(told)
    }
    const flat = { ...own, layer: 0, beta: 1, window: 20 }
    expect(pyramidKvMethod.bytes(shape, flat, traffic)).toBe(snapKvMethod.bytes(shape, { count: 60, window: 20 }, traffic)) // prettier-ignore
  })

  test('takes its layer from the place of the head, and keeps its window at any rate', () => {
    const { within, atRate } = pyramidKvMethod
    expect(within(shape, 9000, { ...traffic, place })).toMatchObject({ layer: 2, layers: 5 })
    expect(within(shape, 9000, traffic)).toMatchObject({ layer: 0, layers: 1 })
    expect(within(shape, 90, traffic)).toBeUndefined()
    const options = { layers: 4, layer: 1, count: 60 }
    expect(atRate!(shape, options, 0.5)).toEqual({ ...options, count: 30 })
    expect(atRate!(shape, options, 0.01)).toEqual({ ...options, count: 9 })
    expect(atRate!(shape, { ...options, window: 20 }, 0.01)).toEqual({ ...options, window: 20, count: 21 })
    expect(() => pyramidKvMethod.make(shape, { ...options, pool: { kind: 'none', size: 1 }, buffer: 3 })).not.toThrow()
  })

  test('keeps the pool, the store and the buffer that it is given', () => {
    const pool = { kind: 'average', size: 5 } as const
    const bytes = pyramidKvMethod.make(shape, { layers: 2, layer: 1, count: 40, pool, buffer: 7 }).toBytes()
    const { parameters } = decodeSnapshot(bytes)
    expect(JSON.parse(parameters['options'])).toMatchObject({ pool, window: 8 })
    expect(parameters['buffer']).toBe('7')
  })
})

const rate = (options: Parameters<typeof farKeysMethod.make>[1]) => farKeysMethod.atRate!(shape, options, 0.25)

describe('a rate', () => {
  test('shrinks the age at which far keys count for half, too', () => {
    expect(rate({ count: 100, buffer: 20, halvedAfter: 80 })).toEqual({ count: 14, buffer: 16, halvedAfter: 20 })
    expect(rate({ count: 100, buffer: 20 })).toEqual({ count: 14, buffer: 16 })
    expect(rate({ count: 100 })).toEqual({ count: 25, buffer: 16 })
    expect(rate({ count: 3, buffer: 64 })).toEqual({ count: 1, buffer: 16 })
  })
  test.each<[Method<any>, object, number]>([
    [h2oMethod, { recent: 30 }, 30],
    [h2oMethod, { recent: 0 }, 1],
    [h2oMethod, {}, 1],
    [snapKvMethod, { window: 9 }, 10],
    [snapKvMethod, {}, 2],
    [streamingLlmMethod, { sinks: 9 }, 10],
    [streamingLlmMethod, {}, 5],
    [lagKvMethod, { first: 3, lag: 4 }, 10],
    [lagKvMethod, { lag: 4 }, 11],
    [lagKvMethod, { first: 3 }, 4],
    [lagKvMethod, {}, 1],
    [curMethod, { first: 7 }, 7],
    [curMethod, {}, 1],
  ])('leaves as many tokens as the other options need: %#', (method, own, fewest) => {
    const options = method.atRate!(shape, { count: 100, buffer: 20, ...own }, 0.001)
    expect(options).toEqual({ count: fewest, buffer: 16, ...own })
    expect(() => method.make(shape, options)).not.toThrow()
    const isLeast = fewest > 1 && !('lag' in own && !('first' in own)) // below 16 tokens `first` would be less, too
    if (isLeast) expect(() => method.make(shape, { ...options, count: fewest - 1 })).toThrow(RangeError)
  })
})

/** Tiers as a method has them, for their snapshots. */
const tiersOf = {
  make: (own: Shape, { buffer, waiting }: { readonly buffer: number; readonly waiting?: TokenStore }) =>
    tiers({ ...own, parts: [sinks({ count: 3 }), window({ count: 20 })], buffer, ...(waiting && { waiting }) }),
  open: (bytes: Uint8Array) => restoreTiers(bytes, (part) => (decodeSnapshot(part).kind === 'sinks' ? sinksMethod : windowMethod).open(part, nothing)), // prettier-ignore
} as unknown as Method<any>
const coded = quantised({ keyBits: 8, valueBits: 8, first: 0 })
const unsteady = '{"kind":"quantised","version":2,"keyBits":8,"valueBits":8,"seed":"0"}'

/** Streams of every kind that saves sizes of its own. */
const SAVED: readonly (readonly [string, Method<any>, object, Readonly<Record<string, readonly string[]>>])[] = [
  ['entropyCoded', entropyCodedMethod, { count: 20, bits: 5 }, { count: ['0', '1.5', 'x', '', '2147483649'], bits: ['0.4', '12.5', 'NaN', ''], buffer: ['0', '65', '2.5'] }],
  ['window', windowMethod, { count: 20 }, { count: ['0', '1.5', 'x', '', '-3'], buffer: ['0', '65', '2.5', ''], store: ['x', '{}', 'quantised'], next: ['20', '-1', '0.5', 'x'] }],
  ['farKeys', farKeysMethod, { count: 20, halvedAfter: 30, crowd: 0.5 }, { halvedAfter: ['0', '-1', 'NaN', 'x'], crowd: ['-0.1', '1.1', 'x'], weight: ['-1', 'NaN', 'x'] }],
  ['reservoir', reservoirMethod, { count: 20, seed: 3 }, { seed: ['', '-1', '1.5', 'x', '123456789012345678901'], threshold: ['-1', 'x', '0', '1e300'] }],
  ['quantised', quantisedMethod, { keyBits: 4, valueBits: 4 }, { count: ['1', '0', '2147483649'], buffer: ['0', '65'] }],
  ['tiers', tiersOf, { buffer: 20, waiting: coded }, { buffer: ['0', '65', '2.5', 'x', ''], parts: ['0', '1.5', '3', 'x', '', '-1'], waiting: ['x', '{}', unsteady], tokens: ['0', '9', '1.5', '-1', 'x'] }],
  ['snapKv', snapKvMethod, { count: 20 }, { options: ['', 'x', '{}', '{"count":20}', '{"count":21,"window":10,"pool":{"kind":"max","size":7}}', '{"count":20,"window":20,"pool":{"kind":"max","size":7}}'], groups: ['-1', '0.5', '3'] }],
] // prettier-ignore
describe.each(SAVED)('a snapshot of %s', (name, method, options, changes) => {
  const stream = method.make(shape, options)
  stream.step(block(150), random(150, 3, 3))
  const { parameters, tensors, ...own } = decodeSnapshot(stream.toBytes())
  const withOther = (change: object) =>
    encodeSnapshot({ ...own, parameters: { ...parameters, ...change }, tensors: Object.fromEntries(tensors) })

  test.each(Object.entries(changes).flatMap(([parameter, texts]) => texts.map((text) => [parameter, text] as const)))(
    'whose %s is "%s" is refused',
    (parameter, text) => {
      expect(parameters[parameter]).toBeDefined()
      let found: unknown
      try {
        method.open(withOther({ [parameter]: text }), nothing)
      } catch (error) {
        found = error
      }
      expect(found).toBeInstanceOf(RangeError)
      expect((found as Error).message).toMatch(new RegExp(`^${name}: `))
    },
  )
  test('that is unchanged is taken, and one of another kind is not', () => {
    expect(method.open(withOther({}), nothing).toBytes()).toEqual(stream.toBytes())
    const other = encodeSnapshot({ ...own, kind: 'other', parameters, tensors: Object.fromEntries(tensors) })
    expect(() => method.open(other, nothing)).toThrow(RangeError)
  })
})
