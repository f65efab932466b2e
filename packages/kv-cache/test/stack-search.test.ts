// Stacks that a search begins with, those near one, those that a stream tries for itself, and the usual one. Truth: the rule of each list, bytes of tokens counted by hand
// (7 and 5 bits take 15 bytes a token of this shape). Kills: bits that are no neighbours, a stack that is listed twice or is the best itself, shares that do not add up, room
// for too few or too many tokens, a list that names a method which there is not.
import { closureMethod, meanMethod } from '@sublinear/streaming-attention'
import { describe, expect, test } from 'vitest'
import { farKeysMethod } from '../src'
import { stacksFor, variantsOf } from '../src/stack/candidate-stacks'
import { codedNear, codedStacksFor } from '../src/stack/coded-stacks'
import { defaultStack, isFinest } from '../src/stack/default-stack'
import { namedStacks } from '../src/stack/named-stacks'
import { methods, shape, stackOf, tier, told } from './stack-lines'

const budget = (tokens: number, budgetBytes: number) => ({ ...shape, tokens, budgetBytes, weighted: false })
const both = (text: string) => [`${text} | mean`, `${text} | closure`]
const near = (text: string) => variantsOf(stackOf(text)).map(told)
const bits = (keys: number, values: number) => codedNear(tier('entropyCoded', 0.7, keys, values)).map((one) => [one.share, one.keyBits + one.valueBits]) // prettier-ignore
const named = (tokens: number, bytes: number, own = methods) => namedStacks(budget(tokens, bytes), own).map(told)
const usual = (tokens: number, bytes: number, dither?: number) => defaultStack({ ...budget(tokens, bytes), dither }, methods) // prettier-ignore
const begins = (tokens: number, bytes: number) => stacksFor(budget(tokens, bytes), methods).map(told).slice(6)

describe('a search', () => {
  const CLUSTERED = [
    'clusters 1 8/6 | none',
    'clusters 1 6/4 | none',
    'clusters 1 5/3 | none',
    'farKeys 0.25 6/4, clusters 0.75 6/4 | none',
    'farKeys 0.5 6/4, clusters 0.5 7/5 | none',
    'farKeys 0.75 6/4, clusters 0.25 6/4 | none',
  ]

  test('begins with clusters, and with far keys in the finest bits that have room and the next finer', () => {
    expect(stacksFor(budget(500, 30_000), methods).map(told).slice(0, 6)).toEqual(CLUSTERED)
    expect(begins(500, 30_000)).toEqual([...both('farKeys 1 8/6'), 'farKeys 0.5 8/6 | clusters'])
    expect(begins(1000, 15_500)).toEqual([...both('farKeys 1 6/4'), ...both('farKeys 1 7/5'), 'farKeys 0.5 6/4 | clusters']) // prettier-ignore
    expect(begins(9000, 17_000)).toEqual([
      ...both('farKeys 1 5/4'),
      ...both('farKeys 0.3 8/6, farKeys 0.7 5/4'),
      'farKeys 0.5 5/4 | clusters',
      'observedAttention 1 6/4 | mean',
    ])
  })
  test('goes on with the neighbours of the best', () => {
    expect(near('farKeys 1 6/4 | mean')).toEqual([
      ...[16, 64].map((window) => `farKeys 1 6/4 | mean | ${window}`),
      'h2o 0.15 8/6, farKeys 0.85 6/4 | mean',
      'h2o 0.3 8/6, farKeys 0.7 6/4 | mean',
      'window 0.15 8/6, farKeys 0.85 6/4 | mean',
      'observedAttention 0.6 6/4, farKeys 0.4 6/4 | mean',
      'farKeys 1 6/4 | closure',
      'farKeys 0.9 6/4 | clusters',
      'farKeys 0.5 6/4 | clusters',
      'farKeys 1 5/4 | mean',
      'farKeys 1 7/5 | mean',
      'farKeys 0.4 8/6, farKeys 0.6 5/3 | mean',
      'farKeys 0.3 8/6, farKeys 0.7 5/4 | mean',
    ])
    expect(near('h2o 0.1 8/6, farKeys 0.4 4/2 | clusters | 16')).toEqual([
      ...[undefined, 64].map((window) => ['h2o 0.1 8/6, farKeys 0.4 4/2 | clusters', ...(window ? [window] : [])].join(' | ')), // prettier-ignore
      'farKeys 0.5 4/2 | clusters | 16',
      'h2o 0.075 8/6, farKeys 0.425 4/2 | clusters | 16',
      'h2o 0.15 8/6, farKeys 0.35 4/2 | clusters | 16',
      'window 0.075 8/6, farKeys 0.425 4/2 | clusters | 16',
      'observedAttention 0.3 6/4, farKeys 0.2 4/2 | clusters | 16',
      'h2o 0.1 8/6, farKeys 0.4 4/2 | mean | 16',
      'h2o 0.1 8/6, farKeys 0.4 4/2 | closure | 16',
      'h2o 0.1 8/6, farKeys 0.4 4/3 | clusters | 16',
      'h2o 0.1 8/6, farKeys 0.2 6/4, farKeys 0.2 3/2 | clusters | 16',
      'h2o 0.1 8/6, farKeys 0.2 6/4, farKeys 0.2 4/2 | clusters | 16',
    ])
    expect(near('farKeys 0.25 6/4, clusters 0.75 6/4 | none')).toEqual([
      'clusters 1 6/4 | none',
      ...[0.1, 0.5, 0.75, 0.9].map((share) => `farKeys ${share} 6/4, clusters ${Math.round(100 - 100 * share) / 100} 6/4 | none`), // prettier-ignore
      'farKeys 0.25 6/4, clusters 0.75 5/4 | none',
      'farKeys 0.25 6/4, clusters 0.75 7/5 | none',
      'farKeys 0.25 5/4, clusters 0.75 6/4 | none',
      'farKeys 0.25 7/5, clusters 0.75 6/4 | none',
      'h2o 0.15 8/6, clusters 0.85 6/4 | none',
      'h2o 0.3 8/6, clusters 0.7 6/4 | none',
      ...[16, 64].map((window) => `farKeys 0.25 6/4, clusters 0.75 6/4 | none | ${window}`),
    ])
    expect(near(' | mean | 16')).toEqual([])
  })
  test('goes on from clusters alone, and behind two tiers, by the same rule', () => {
    expect(near('clusters 1 6/4 | none | 16')).toEqual([
      ...[0.1, 0.25, 0.5, 0.75, 0.9].map((share) => `farKeys ${share} 6/4, clusters ${Math.round(100 - 100 * share) / 100} 6/4 | none | 16`), // prettier-ignore
      'clusters 1 5/4 | none | 16',
      'clusters 1 7/5 | none | 16',
      'h2o 0.15 8/6, clusters 0.85 6/4 | none | 16',
      'h2o 0.3 8/6, clusters 0.7 6/4 | none | 16',
      'clusters 1 6/4 | none',
      'clusters 1 6/4 | none | 64',
    ])
    expect(near('farKeys 0.5 7/5, clusters 0.5 4/2 | none').slice(0, 8)).toEqual([
      'clusters 1 4/2 | none',
      ...[0.1, 0.25, 0.75, 0.9].map((share) => `farKeys ${share} 7/5, clusters ${Math.round(100 - 100 * share) / 100} 4/2 | none`), // prettier-ignore
      'farKeys 0.5 7/5, clusters 0.5 4/3 | none',
      'farKeys 0.5 6/4, clusters 0.5 4/2 | none',
      'farKeys 0.5 7/7, clusters 0.5 4/2 | none',
    ])
    expect(near('window 0.25 8/6, farKeys 0.25 6/4, clusters 0.5 6/4 | none')[2]).toBe('farKeys 0.25 8/6, clusters 0.75 6/4 | none') // prettier-ignore
  })
  test('goes on at the ends of the list of bits, and from bits that are not in it', () => {
    const others = (text: string) => near(text).filter((one) => one.startsWith('farKeys 1 ') && !one.includes(text.split(' ')[2])) // prettier-ignore
    expect(others('farKeys 1 8/6 | mean')).toEqual(['farKeys 1 7/7 | mean'])
    expect(others('farKeys 1 4/2 | mean')).toEqual(['farKeys 1 4/3 | mean'])
    expect(others('farKeys 1 2/2 | mean')).toEqual(['farKeys 1 4/3 | mean'])
    expect(others('farKeys 1 8/8 | mean')).toEqual(['farKeys 1 7/7 | mean'])
    expect(others('farKeys 1 6/6 | mean')).toEqual(['farKeys 1 6/4 | mean', 'farKeys 1 7/7 | mean'])
    expect(near('entropyCoded 1 6/5 | mean').filter((one) => one.startsWith('entropyCoded 1 ') && one.endsWith('mean'))).toEqual(
      ['5/4', '5/5', '6/6', '7/6'].map((bits) => `entropyCoded 1 ${bits} | mean`),
    ) // prettier-ignore
    expect(near('entropyCoded 1 6/5 | mean')[0]).toBe('entropyCoded 1 6/5 | mean | 16')
  })
  test('tries coded tokens where it may be slow, and their bits', () => {
    const coded = (tokens: number, bytes: number) => codedStacksFor(budget(tokens, bytes), methods).map(told)
    const some = coded(1000, 9000)
    expect(some.length).toBe(7)
    expect(some[6]).toBe(some[0].replace(' 1 ', ' 0.5 ').replace('closure', 'clusters'))
    expect(codedStacksFor(budget(1000, 9000), [meanMethod])).toEqual([])
    expect(coded(1000, 300)).toEqual([])
    expect(new Set(coded(10, 90_000)).size).toBe(3) // all of the most bits
    expect(bits(5, 4)).toEqual([[0.7, 7], [0.7, 8], [0.7, 10], [0.7, 11]]) // prettier-ignore
    expect(bits(8, 8)).toEqual([[0.7, 14], [0.7, 15]]) // prettier-ignore
    expect(bits(2, 2)).toEqual([[0.7, 5], [0.7, 6]]) // prettier-ignore
  })
  test('of a stream of its own tries named stacks', () => {
    const ANY = named(1e6, 20_000)
    expect(ANY.length).toBe(7)
    expect(named(1000, 15_500)).toEqual(['farKeys 1 6/4 | mean', 'farKeys 1 8/6 | mean', ...ANY])
    expect(named(500, 30_000)).toEqual(['farKeys 1 8/6 | mean', ...ANY])
    expect(named(1e6, 20_000, [farKeysMethod, meanMethod])).toEqual([])
    expect(named(1e6, 20_000, [farKeysMethod, closureMethod])).toEqual(['farKeys 1 6/4 | closure'])
  })
  test('begins, where nothing is known, with what holds all tokens, else with attended ones', () => {
    expect([20_000, 17_000, 15_500, 11_500, 9000, 5000].map((bytes) => told(usual(1000, bytes)))).toEqual([
      'farKeys 1 8/6 | mean',
      'farKeys 1 7/5 | mean',
      'farKeys 1 6/4 | mean',
      'h2o 0.15 8/6, farKeys 0.85 5/3 | mean',
      'h2o 0.2 8/6, farKeys 0.8 4/3 | mean',
      'h2o 0.2 8/6, farKeys 0.8 4/3 | mean',
    ])
    expect(told(usual(Infinity, 30_000))).toBe('h2o 0.2 8/6, farKeys 0.8 4/3 | mean')
    expect(usual(1000, 5000, 7)).toMatchObject({ dither: 7, rest: 'reservoir', window: 0 })
    expect(told(usual(1000, 5000, 7))).toBe('h2o 0.15 8/6, farKeys 0.6 4/3 | reservoir')
    expect(['farKeys 1 8/6 | mean', 'farKeys 1 7/5 | mean', 'h2o 0.5 8/6, farKeys 0.5 8/6 | mean'].map((one) => isFinest(stackOf(one)))).toEqual([true, false, false]) // prettier-ignore
  })
})
