// Stacks that autoStream is given. Kills: a stack read without a check (allocations of any size, numbers of its own
// that make a token look smaller, a rest that fits no budget or a share whose least budget is looked for without end).
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream, openStream, type AutoStreamOptions, type Stack } from '../src'
import { one, shape, two } from './auto-stacks'

const make = (stack: unknown) => autoStream({ ...shape, budgetBytes: 5000, tokens: 900, stack } as AutoStreamOptions)

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
