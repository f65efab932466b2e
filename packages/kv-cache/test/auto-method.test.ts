// The record of auto streams: options of a budget, stacks that a search tries, and pilots at a rate. Truth: the lists of stacks, and counts of stacks within a budget.
// Kills: a stack that has no room and is tried, coded stacks that are tried unasked or not when asked, a rate that is not the counts' own, a usual stack in the place of the one that was asked
// for, weights or a number of tokens that are lost on the way.
import type { Traffic } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { autoMethod, countsAtRate, countsWithin, leastBytes, observedAttention, observedAttentionMethod } from '../src'
import { stacksFor, variantsOf } from '../src/stack/candidate-stacks'
import { codedStacksFor } from '../src/stack/coded-stacks'
import { defaultStack } from '../src/stack/default-stack'
import { methods, shape, stackOf, told } from './stack-lines'

const method = autoMethod(methods)
const traffic: Traffic = { tokens: 1000 }
const weighted: Traffic = { tokens: 1000, weighted: true }
const lines = (all: readonly { readonly stack?: Parameters<typeof told>[0] | undefined }[]) => all.map(({ stack }) => told(stack!)) // prettier-ignore
const budgetOf = (budgetBytes: number, { tokens, weighted = false }: Traffic) => ({ ...shape, budgetBytes, tokens, weighted }) // prettier-ignore

describe('the record of auto', () => {
  it('says its name, what it learns from, and its budget as its bytes', () => {
    expect([method.name, method.source, method.learns]).toEqual(['auto', 'not from the papers', 'queries'])
    expect(method.bytes(shape, { budgetBytes: 5000, tokens: 9 }, traffic)).toBe(5000)
    const needs = (text?: string) => method.needsQueries!({ budgetBytes: 9000, tokens: 9, stack: text === undefined ? undefined : stackOf(text) }) // prettier-ignore
    expect([needs(), needs('h2o 1 6/4 | mean'), needs('farKeys 1 6/4 | mean')]).toEqual([true, true, false])
  })

  it.each([traffic, weighted])('has options where its usual stack has room, down to the last byte: %o', (own) => {
    for (const budget of [2000, 9000, 40_000])
      expect(method.within(shape, budget, own)).toEqual({ budgetBytes: budget, tokens: 1000, weighted: own.weighted ?? false }) // prettier-ignore
    const usual = defaultStack(budgetOf(500, own), methods)
    const least = leastBytes(usual, { ...shape, weighted: own.weighted ?? false }, methods)
    expect([method.within(shape, least, own) === undefined, method.within(shape, least - 1, own)]).toEqual([false, undefined]) // prettier-ignore
  })

  it.each([1500, 9000, 17_000, 40_000])('tries the stacks that have room in %i bytes, coded ones where it may be slow', (budget) => {
    for (const own of [traffic, weighted]) {
      const fits = (stack: Parameters<typeof told>[0]) => countsWithin(stack, budgetOf(budget, own), methods) !== undefined // prettier-ignore
      const quick = method.variants!(shape, budget, own)
      expect(lines(quick)).toEqual(stacksFor(budgetOf(budget, own), methods).filter(fits).map(told))
      for (const one of quick) expect(one).toMatchObject({ budgetBytes: budget, tokens: 1000, weighted: own.weighted ?? false }) // prettier-ignore
      const slow = method.variants!(shape, budget, { ...own, slow: true })
      const coded = codedStacksFor(budgetOf(budget, own), methods).filter(fits)
      expect(lines(slow.slice(quick.length))).toEqual(coded.map(told))
      if (budget > 2000) expect(coded.length).toBeGreaterThan(2)
    }
  }) // prettier-ignore

  it('goes on with the neighbours of the best that have room, or of the usual stack', () => {
    const refined = (stack?: string) => lines(method.refine!(shape, { budgetBytes: 9000, tokens: 1000, stack: stack === undefined ? undefined : stackOf(stack) }, 9000, traffic)) // prettier-ignore
    expect(refined('farKeys 1 6/4 | mean')).toEqual(variantsOf(stackOf('farKeys 1 6/4 | mean')).map(told))
    expect(refined()).toEqual(variantsOf(defaultStack(budgetOf(9000, traffic), methods)).map(told))
    const few = lines(method.refine!(shape, { budgetBytes: 1800, tokens: 1000, stack: stackOf('farKeys 1 6/4 | mean') }, 1800, traffic)) // prettier-ignore
    expect(few.length).toBeLessThan(refined('farKeys 1 6/4 | mean').length)
    expect(few.length).toBeGreaterThan(0)
  })

  test('at a rate it has the counts of its stack at that rate, and makes tiers of them', () => {
    for (const stack of [stackOf('farKeys 0.5 6/4, clusters 0.5 6/4 | none | 20'), undefined]) {
      const options = { budgetBytes: 9000, tokens: 1000, weighted: true, ...(stack && { stack }) }
      const own = stack ?? defaultStack(budgetOf(9000, weighted), methods)
      const counts = countsAtRate(own, countsWithin(own, budgetOf(9000, weighted), methods)!, 0.25)
      const quarter = method.atRate!(shape, options, 0.25)
      expect(quarter).toEqual({ ...options, counts })
      using stream = method.make(shape, quarter)
      stream.step({ keys: random(300, 8, 1), values: random(300, 6, 2) }, random(300, 8, 3))
      const parts = (stream as unknown as { readonly parts: readonly { readonly count?: number }[] }).parts
      expect(parts.slice(0, counts.kept.length + Number(counts.window > 0)).map(({ count }) => count)).toEqual([...(counts.window > 0 ? [counts.window] : []), ...counts.kept]) // prettier-ignore
      expect(stream.bytes).toBeLessThan(4500)
    }
    const none = { budgetBytes: 10, tokens: 1000 }
    expect(method.atRate!(shape, none, 0.5)).toBe(none)
  })

  it('takes tokens without weights where nothing is said of them', () => {
    let differ = 0
    for (let budgetBytes = 9000; budgetBytes < 30_000; budgetBytes += 1000) {
      const counts = (own: object) => (method.atRate!(shape, { budgetBytes, tokens: 1000, ...own }, 1) as { readonly counts: object }).counts // prettier-ignore
      const stack = (own: object) => told(defaultStack({ ...budgetOf(budgetBytes, traffic), ...own }, methods))
      expect(counts({})).toEqual(counts({ weighted: false }))
      if (stack({ weighted: true }) !== stack({})) differ++
      const made = method.make(shape, { budgetBytes, tokens: 1000 }) as unknown as { readonly stack: Parameters<typeof told>[0] } // prettier-ignore
      expect(told(made.stack)).toBe(stack({}))
    }
    expect(differ).toBeGreaterThan(0)
  })

  it('gives bars where its codes have a dither, and says why where they have none', () => {
    const own = { budgetBytes: 9000, tokens: 1000 }
    using plain = method.make(shape, own)
    using dithered = method.make(shape, { ...own, errorBars: 1 })
    expect(dithered.errorBars).toBe(true)
    expect(plain.errorBars).toMatch(/^part \d gives none: /)
  })

  it('makes streams of a stack, and opens them again', () => {
    using stream = method.make(shape, { budgetBytes: 9000, tokens: 1000, stack: stackOf('farKeys 1 6/4 | mean | 20') })
    stream.push({ keys: random(300, 8, 1), values: random(300, 6, 2) })
    const open = (bytes: Uint8Array): ReturnType<typeof method.open> => methods.find(({ name }) => new TextDecoder().decode(bytes.subarray(0, 4000)).includes(`"kind":"${name}"`))!.open(bytes, open) // prettier-ignore
    expect(method.open(stream.toBytes(), open).toBytes()).toEqual(stream.toBytes())
  })
})

test('tokens that no query has seen score 0, as those that received nothing', () => {
  const { score } = observedAttention.policy
  const tokens = { count: 4, seen: 9, scale: 1, keys: () => ({ rows: 4, cols: 1, data: new Float32Array(4) }), values: () => ({ rows: 4, cols: 1, data: new Float32Array(4) }), weights: undefined } // prettier-ignore
  const [received, watched] = [Float64Array.of(0, 3, 0, 1), Float64Array.of(0, 6, 5, 1)]
  expect([...score({ ...tokens, received, watched }, { count: 4 })]).toEqual([0, 0.5, 0, 1])
  expect([...score(tokens, { count: 4 })]).toEqual([0, 0, 0, 0])
  expect(observedAttentionMethod.learns).toBe('queries')
})
