// Streams within a byte budget. Kills: bytes of a tier's centres, of what waits or of weights left out of the count (over the budget by 100
// to 4000 bytes), a share taken twice, a stack of half the budget, a stack read without a check (allocations of any size, numbers of its own
// that make a token look smaller, a rest that fits no budget or a share whose least budget is looked for without end), weights taken
// where there is no room for them, a snapshot that forgets its budget, a
// default that loses tokens where there is room for all.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { attentionStreamLaws, distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream, openStream, type AutoStream, type AutoStreamOptions, type Stack } from '../src'

const one = [{ by: 'farKeys', share: 1, keyBits: 5, valueBits: 3 }]
const two = [
  { by: 'h2o', share: 0.4, keyBits: 8, valueBits: 6 },
  { by: 'farKeys', share: 0.4, keyBits: 4, valueBits: 2 },
]
const shape = { d: 4, dv: 3, scale: 0.5 }

describe.each<{ name: string; stack?: Stack }>([
  { name: 'the default' },
  { name: 'a window, far keys, a closure', stack: { window: 10, kept: one, rest: 'closure' } },
  { name: 'far keys, a coreset', stack: { window: 0, kept: [{ ...one[0], share: 0.5 }], rest: 'balanceKv' } },
  {
    name: 'far keys, moments and a coreset',
    stack: { window: 0, kept: [{ ...one[0], share: 0.3 }], rest: 'momentCoreset' },
  },
  { name: 'two selections, clusters', stack: { window: 0, kept: two, rest: 'clusters' } },
])('autoStream: $name', ({ stack }) => {
  const options = {
    ...shape,
    budgetBytes: 4000,
    tokens: 250,
    weighted: true,
    ...(stack && { stack }),
  }
  const made = () => autoStream(options)
  const laws = attentionStreamLaws({
    name: 'auto',
    make: made,
    restore: openStream,
    tolerance: 1e-4,
    error: 0.6,
  })
  // Where tokens stay by the attention they receive, step teaches what pushing and asking do not.
  const learns = made().stack.kept.some(({ by }) => by === 'h2o')
  for (const law of laws) if (!(learns && law.name.includes('step is push and attend'))) test(law.name, law.run)

  it('steps of any length teach the same', () => {
    const [whole, cut] = [made(), made()]
    const [keys, values, queries] = [random(400, 4, 1), random(400, 3, 2), random(800, 4, 3)]
    const all = normalise(whole.step({ keys, values }, queries)).data
    for (let from = 0, rows = 1; from < 400; from += rows, rows = Math.min(400 - from, (3 * rows) % 71)) {
      const to = from + rows
      const block = { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }
      const own = normalise(cut.step(block, rowsOf(queries, 2 * from, 2 * to))).data
      expect(distance(own, all.subarray(6 * from, 6 * to))).toBeLessThan(1e-5)
    }
    expect(cut.bytes).toBe(whole.bytes)
    expect(distance(normalise(cut.attend(queries)).data, normalise(whole.attend(queries)).data)).toBeLessThan(1e-5)
  })
})

const stacks = fc.record({
  window: fc.constantFrom(0, 1, 17),
  kept: fc.array(
    fc.record({
      by: fc.constantFrom('window', 'h2o', 'farKeys'),
      share: fc.constantFrom(0.5, 0.3),
      keyBits: fc.integer({ min: 2, max: 8 }),
      valueBits: fc.integer({ min: 2, max: 8 }),
    }),
    { maxLength: 2 },
  ),
  rest: fc.constantFrom(...(['none', 'mean', 'closure', 'clusters', 'balanceKv', 'momentCoreset'] as const)),
})

const SIZED = ['clusters', 'balanceKv', 'momentCoreset']

const within = (budgetBytes: number) =>
  autoStream({ ...shape, budgetBytes, tokens: 9, stack: { window: 5, kept: one, rest: 'closure' } })

describe('the budget', () => {
  test.prop([stacks, fc.integer({ min: 4000, max: 40_000 }), fc.boolean(), fc.nat()], { seed: 1, numRuns: 60 })(
    'is never exceeded after any call, and used where tokens are enough',
    (stack, budgetBytes, weighted, seed) => {
      fc.pre(stack.kept.reduce((sum, { share }) => sum + share, 0) < 1 || !SIZED.includes(stack.rest))
      fc.pre(stack.window > 0 || stack.kept.length > 0 || stack.rest !== 'none')
      const stream = autoStream({ ...shape, budgetBytes, tokens: 500, stack, weighted })
      const witnessed = () => {
        let held = 0
        for (const { data } of decodeSnapshot(stream.toBytes()).tensors.values()) held += data.byteLength
        expect(held).toBeLessThanOrEqual(stream.bytes)
        expect(stream.bytes).toBeLessThanOrEqual(budgetBytes)
      }
      witnessed()
      const block = (rows: number, at: number) => ({
        keys: random(rows, 4, seed + at),
        values: random(rows, 3, seed + at + 1),
        ...(weighted && { weights: random(rows, 1, seed + at + 2).data.map((x) => 1.5 + x) }),
      })
      for (const [i, rows] of [1, 3, 60, 1, 130, 700, 1, 1500].entries()) {
        if (i % 2 === 0) stream.push(block(rows, i))
        else stream.step(block(rows, i), random(2 * rows, 4, seed))
        witnessed()
      }
      const shares = stack.kept.reduce((sum, tier) => sum + tier.share, 0)
      const token = 28 + (weighted ? 8 : 0)
      // All but what a token of each tier would have taken, and what h2o may remember of tokens that wait. (Clusters merge some ahead.)
      const remembered = stack.kept.filter(({ by }) => by === 'h2o').length * 8 * 64
      if (
        shares === 1 &&
        !SIZED.includes(stack.rest) &&
        stack.kept.every(({ share }) => (share * budgetBytes) / 20 < 1500)
      )
        expect(stream.bytes).toBeGreaterThan(budgetBytes - 4 * token - 100 - remembered)
    },
  )

  it.each(['window', 'h2o', 'farKeys'])('has room for what waits, one token after the other: %s', (by) => {
    const kept = [{ by, share: 1, keyBits: 5, valueBits: 3 }]
    const stack = { window: 0, kept, rest: 'none' }
    const stream = autoStream({ ...shape, budgetBytes: 20_000, tokens: 500, stack })
    stream.step({ keys: random(2500, 4, 1), values: random(2500, 3, 2) }, random(2500, 4, 3))
    let most = 0
    for (let i = 0; i < 70; i++) {
      stream.step({ keys: random(1, 4, i), values: random(1, 3, i) }, random(1, 4, i + 9))
      most = Math.max(most, stream.bytes)
    }
    expect(most).toBeLessThanOrEqual(20_000)
    expect(most).toBeGreaterThan(20_000 - 30)
  })

  it('is kept where shares add up to 1 and a rounding more', () => {
    const kept = [0.5, 0.5 + 2 ** -20].map((share) => ({ by: 'window', share, keyBits: 8, valueBits: 8 }))
    const stack = { window: 0, kept, rest: 'none' }
    const stream = autoStream({ d: 1, dv: 1, scale: 1, budgetBytes: 16_000_000, tokens: 10, stack })
    const block = { keys: random(100_000, 1, 1), values: random(100_000, 1, 2) }
    for (let i = 0; i < 28; i++) stream.push(block)
    expect(stream.bytes).toBeLessThanOrEqual(16_000_000)
    expect(stream.bytes).toBeGreaterThan(15_999_900)
  })

  it('a budget too small for the stack says what it takes', () => {
    const message = (() => {
      try {
        within(100)
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })()
    const least = Number(/at least (\d+), got 100$/.exec(message)![1])
    expect(() => within(least - 1)).toThrow(RangeError)
    const stream = within(least)
    stream.push({ keys: random(300, 4, 1), values: random(300, 3, 2) })
    expect(stream.bytes).toBeLessThanOrEqual(least)
  })

  it('holds every token where it has room: answers are those of a few bits', () => {
    const stream = autoStream({ ...shape, budgetBytes: 20_000, tokens: 1000 })
    const block = { keys: random(1000, 4, 3), values: random(1000, 3, 4) }
    stream.push(block)
    expect(stream.stack.kept).toEqual([{ by: 'farKeys', share: 1, keyBits: 8, valueBits: 6 }])
    const queries = random(20, 4, 5)
    const exact = softmaxOracle(queries, block.keys, block.values, 0.5, () => 1000)
    expect(distance(normalise(stream.attend(queries)).data, exact)).toBeLessThan(0.01)
  })
})

const make = (stack: unknown) => autoStream({ ...shape, budgetBytes: 5000, tokens: 900, stack } as AutoStreamOptions)

it.each([
  [70_000, [['farKeys', 1, 8, 6]]],
  [58_000, [['farKeys', 1, 7, 5]]],
  [50_000, [['farKeys', 1, 6, 4]]],
  [
    36_000,
    [
      ['h2o', 0.15, 8, 6],
      ['farKeys', 0.85, 5, 3],
    ],
  ],
  [
    15_000,
    [
      ['h2o', 0.2, 8, 6],
      ['farKeys', 0.8, 4, 3],
    ],
  ],
])('without a stack %i bytes for 1000 tokens of 64 numbers are shared out as %j', (budgetBytes, kept) => {
  const { stack } = autoStream({ d: 32, dv: 32, scale: 1, budgetBytes, tokens: 1000 })
  expect(stack.kept.map(({ by, share, keyBits, valueBits }) => [by, share, keyBits, valueBits])).toEqual(kept)
  expect(stack.rest).toBe('mean')
})

describe('stacks', () => {
  const stack: Stack = { window: 3, kept: two, rest: 'mean' }

  it('are plain JSON', () => {
    const block = { keys: random(700, 4, 1), values: random(700, 3, 2) }
    const [first, second] = [stack, JSON.parse(JSON.stringify(stack))].map((given) => {
      const stream = make(given)
      stream.push(block)
      return stream.toBytes()
    })
    expect(second).toEqual(first)
  })

  const tier = stack.kept[0]
  it.each<[string, unknown, ErrorConstructor]>([
    ['null', null, TypeError],
    ['a string', 'farKeys', TypeError],
    ['an empty stack', { window: 0, kept: [], rest: 'none' }, RangeError],
    ['a rest of its own', { ...stack, rest: 'toString' }, RangeError],
    ['a tier of its own', { ...stack, kept: [{ ...tier, by: 'toString' }] }, RangeError],
    ['a tier that is none', { ...stack, kept: [{ ...tier, by: 'closure' }] }, RangeError],
    ['a huge window', { ...stack, window: 2 ** 40 }, RangeError],
    ['a window that does not fit', { ...stack, window: 2 ** 30 }, RangeError],
    ['part of a token', { ...stack, window: 0.5 }, RangeError],
    ['kept no list', { ...stack, kept: { length: 1 } }, TypeError],
    ['a tier null', { ...stack, kept: [null] }, TypeError],
    ['a share of 0', { ...stack, kept: [{ ...tier, share: 0 }] }, RangeError],
    ['a share NaN', { ...stack, kept: [{ ...tier, share: NaN }] }, RangeError],
    [
      'shares over 1',
      {
        ...stack,
        kept: [
          { ...tier, share: 0.7 },
          { ...tier, share: 0.7 },
        ],
      },
      RangeError,
    ],
    ['nothing left for clusters', { ...stack, rest: 'clusters', kept: [{ ...tier, share: 1 }] }, RangeError],
    ['a share that no budget meets', { ...stack, kept: [{ ...tier, share: 1e-300 }] }, RangeError],
    ['9 bits', { ...stack, kept: [{ ...tier, keyBits: 9 }] }, RangeError],
    ['bits as text', { ...stack, kept: [{ ...tier, valueBits: '3' }] }, TypeError],
    ['many tiers', { ...stack, kept: Array.from({ length: 9 }, () => ({ ...tier, share: 0.1 })) }, RangeError],
  ])('%s: refused', (_, given, kind) => {
    expect(() => make(given)).toThrow(kind)
  })
})

it('what else a stack from JSON has in it counts for nothing', () => {
  const stack = { window: 0, kept: [{ ...one[0], d: 1, dv: 1, weighted: false }], rest: 'mean' } as const
  const stream = make(stack)
  stream.push({ keys: random(900, 4, 1), values: random(900, 3, 2) })
  expect(stream.bytes).toBeLessThanOrEqual(5000)
})

it('a stack that is changed afterwards changes no stream', () => {
  const stack = { window: 3, kept: one, rest: 'mean' }
  const stream = make(stack)
  stack.window = 7
  expect(stream.stack.window).toBe(3)
  expect(openStream(stream.toBytes()).bytes).toBe(stream.bytes)
})

it('moments of a scale of 0 or below are refused', () => {
  const stack = { window: 0, kept: [{ ...one[0], share: 0.5 }], rest: 'momentCoreset' }
  expect(() => autoStream({ ...shape, scale: -1, budgetBytes: 9000, tokens: 900, stack })).toThrow(
    'autoStream: stack.rest must be a method for a scale of -1, got momentCoreset',
  )
})

describe('weights', () => {
  it('other than 1 are refused where there is no room for them, and nothing changes', () => {
    const stream = autoStream({ ...shape, budgetBytes: 5000, tokens: 900 })
    stream.push({ keys: random(70, 4, 1), values: random(70, 3, 2), weights: new Float32Array(70).fill(1) })
    const before = stream.toBytes()
    const block = { keys: random(2, 4, 1), values: random(2, 3, 2), weights: Float32Array.of(1, 2) }
    const message = 'auto: weights must be 1 unless the stream is weighted, got 2 in row 1'
    expect(() => stream.push(block)).toThrow(message)
    expect(() => stream.step(block, random(2, 4, 3))).toThrow(message)
    expect(stream.toBytes()).toEqual(before)
    expect(() => openStream(before).push(block)).toThrow(message)
  })
})

describe('snapshots', () => {
  const stream = autoStream({ ...shape, budgetBytes: 5000, tokens: 900 })
  stream.push({ keys: random(700, 4, 1), values: random(700, 3, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (limits: unknown) =>
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, limits: typeof limits === 'string' ? limits : JSON.stringify(limits) },
      tensors: Object.fromEntries(tensors),
    })
  const own = JSON.parse(parameters['limits']) as Record<string, unknown>
  it('come back with their budget', () => {
    const back = openStream(stream.toBytes()) as AutoStream
    expect([back.budgetBytes, back.stack, back.bytes]).toEqual([5000, stream.stack, stream.bytes])
    const queries = rowsOf(matrix(1, 4, Float32Array.of(1, 2, 3, 4)), 0, 1)
    expect(back.attend(queries)).toEqual(stream.attend(queries))
  })
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a smaller budget', { ...own, budgetBytes: stream.bytes - 1 }],
    ['no budget', { ...own, budgetBytes: undefined }],
    ['a list', []],
    ['a stack that is a number', { ...own, stack: 3 }],
    ['another stack', { ...own, stack: { window: 0, kept: [], rest: 'none' } }],
    ['a larger budget, whose tiers hold more', { ...own, budgetBytes: 6000 }],
    [
      'other shares',
      { ...own, stack: { ...stream.stack, kept: stream.stack.kept.map((k) => ({ ...k, share: 0.4 })) } },
    ],
    ['weighted no boolean', { ...own, weighted: 1 }],
  ])('%s: refused', (_, limits) => {
    expect(() => openStream(made(limits))).toThrow(RangeError)
  })
  it.each<[string, unknown]>([
    ['another version', { version: '99' }],
    ['no version', { version: 7 }],
    ['another kind', { kind: 'farClosure' }],
    ['no parameters', { parameters: null }],
  ])('%s inside: refused', (_, change) => {
    const tiers = JSON.stringify({ ...(JSON.parse(parameters['tiers']) as object), ...(change as object) })
    const bytes = encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, tiers },
      tensors: Object.fromEntries(tensors),
    })
    expect(() => openStream(bytes)).toThrow(RangeError)
  })
  it('of another width than their tensors are refused before anything of that width is made', () => {
    const inner = JSON.parse(parameters['tiers']) as { readonly parameters: Record<string, string> }
    const large = {
      ...parameters,
      tiers: JSON.stringify({ ...inner, parameters: { ...inner.parameters, d: String(3e7) } }),
      limits: JSON.stringify({ ...own, budgetBytes: 2 ** 53 - 1 }),
    }
    const before = process.memoryUsage().arrayBuffers
    expect(() =>
      openStream(encodeSnapshot({ kind, version, parameters: large, tensors: Object.fromEntries(tensors) })),
    ).toThrow(RangeError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7)
  })
})

it.each([
  [{ d: 0 }, 'autoStream: d must be an integer >= 1, got 0'],
  [{ scale: NaN }, 'autoStream: scale must be a finite number, got NaN'],
  [{ budgetBytes: 0 }, 'autoStream: budgetBytes must be an integer >= 1, got 0'],
  [{ tokens: 1.5 }, 'autoStream: tokens must be an integer >= 1, got 1.5'],
  [{ weighted: 1 as never }, 'autoStream: weighted must be true or false, got number'],
])('%o is refused', (change, message) => {
  expect(() => autoStream({ ...shape, budgetBytes: 5000, tokens: 900, ...change })).toThrow(message)
})
