// Stacks in a metric. Truth: counts and bytes of a plain stack in so many bytes less, the metric of the queries at hand. Kills, each tried by hand: a stack that forgets its metric, or is not
// taught anew, a budget from which its bytes are not taken, a snapshot whose tiers have another metric than their stack.
import { decodeSnapshot, encodeSnapshot, matrix, type AttentionStream } from '@sublinear/core'
import { distance, random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, test } from 'vitest'
import { autoMethod, autoStream, queryMetric, restoreAutoStream, type Stack } from '../src'
import { namedInMetric } from '../src/stack/named-stacks'
import { trialOf } from '../src/stack/own-trial'
import { narrow, rowOf, valuesOf } from './metric-heads'
import { openPart } from './open-part'
import { methods } from './stack-lines'

const shape = { d: 3, dv: 2, scale: 0.5 }
const metric = queryMetric({ queries: random(20, 3, 5) })
const other = queryMetric({ queries: random(20, 3, 6) })
const openOne = openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 }))
const tier = (by: string, share: number) => ({ by, share, keyBits: 6, valueBits: 4 })

const [keys, values, queries] = [random(300, 3, 1, 3), random(300, 2, 2), random(40, 3, 3, 3)]
const filled = <S extends AttentionStream>(stream: S): S => {
  stream.push({ keys, values })
  return stream
}

const make = (own: Stack, budgetBytes = 3000) =>
  autoStream({ ...shape, budgetBytes, tokens: 5000, stack: own }, methods)

describe('a stack in a metric', () => {
  const stack: Stack = { window: 0, kept: [tier('farKeys', 0.5), tier('clusters', 0.5)], rest: 'none', metric }
  const { metric: _, ...plain } = stack

  test('counts its bytes within the budget: the same counts as a plain stack in so many bytes less', () => {
    const [own, less] = [make(stack, 3006), make(plain, 3000)]
    for (const stream of [own, less]) for (let seed = 1; seed < 9; seed++) stream.step({ keys: random(300, 3, seed), values: random(300, 2, 2) }, random(300, 3, 3)) // prettier-ignore
    expect(own.bytes).toBe(less.bytes + 6)
    expect(own.bytes).toBeLessThanOrEqual(3006)
    expect(own.parts.map(({ tokens }) => tokens)).toEqual(less.parts.map(({ tokens }) => tokens))
  })

  test('goes on from its snapshot, which no other metric fits', () => {
    const stream = filled(make(stack))
    const again = restoreAutoStream(stream.toBytes(), openOne, methods)
    expect(again.stack).toEqual(stack)
    for (const one of [stream, again]) filled(one)
    expect(again.toBytes()).toEqual(stream.toBytes())
    expect(stream.fork().attend(queries)).toEqual(again.attend(queries))
    const { tensors, parameters, ...rest } = decodeSnapshot(stream.toBytes())
    const limits = JSON.parse(parameters['limits']) as { stack: Stack }
    const changed = (own: object) => encodeSnapshot({ ...rest, parameters: { ...parameters, limits: JSON.stringify({ ...limits, stack: own }) }, tensors: Object.fromEntries(tensors) }) // prettier-ignore
    expect(restoreAutoStream(changed(stack), openOne, methods).tokens).toBe(600)
    for (const own of [
      { ...stack, metric: other },
      { ...stack, metric: [1, 0, 1] },
      { ...stack, metric: [0] },
      { ...stack, metric: 'none' },
      plain,
    ])
      expect(() => restoreAutoStream(changed(own), openOne, methods)).toThrow(RangeError)
  })

  test('is refused where its metric is none, of another width, or its head turns', () => {
    expect(() => make({ ...stack, metric: [1, 2] })).toThrow(
      'autoStream: stack.metric must have d·(d + 1)/2 entries, got 2',
    )
    expect(() => make({ ...stack, metric: [1] })).toThrow('must have d·(d + 1)/2 entries, got 1')
    const turned = { ...shape, d: 2, rotary: { base: 10, pairing: 'halves' } } as const
    expect(() => autoStream({ ...turned, budgetBytes: 3000, tokens: 500, stack: { ...stack, metric: [1, 0, 1] } }, methods)).toThrow('metric cannot be had with rotary') // prettier-ignore
  })

  const traffic = { tokens: 5000, alike: true }

  test('is not tried where other queries than the pilot’s may come', () => {
    const auto = autoMethod(methods)
    const pilot = { queries: random(300, 3, 21), keys, values }
    const inMetric = auto.variants!(shape, 3000, traffic, pilot).find((one) => one.stack!.metric)!
    for (const alike of [undefined, false]) {
      const others = { tokens: 5000, alike }
      const plain = auto.variants!(shape, 3000, others, pilot)
      expect(plain.filter((one) => one.stack!.metric)).toEqual([])
      expect(auto.refine!(shape, plain[0], 3000, others, pilot).filter((one) => one.stack!.metric)).toEqual([])
    }
    expect(inMetric.stack!.metric).toEqual(queryMetric({ queries: pilot.queries }))
  })

  test('is tried on a pilot beside the plain one, and made anew from the queries that it is given', () => {
    const auto = autoMethod(methods)
    const pilot = { queries: random(300, 3, 21), keys, values }
    const all = auto.variants!(shape, 3000, traffic, pilot)
    const [own, others] = [all.filter((one) => one.stack!.metric), all.filter((one) => !one.stack!.metric)]
    expect(own.map((one) => ({ ...one, stack: { ...one.stack!, metric: undefined } }))).toEqual(others.map((one) => ({ ...one, stack: { ...one.stack!, metric: undefined } }))) // prettier-ignore
    expect(own[0].stack!.metric).toEqual(queryMetric({ queries: pilot.queries }))
    expect(auto.taught!(own[0], queries)).toEqual({
      ...own[0],
      stack: { ...own[0].stack!, metric: queryMetric({ queries }) },
    })
    expect(auto.taught!(others[0], queries)).toBe(others[0])
    const near = (from: (typeof all)[number], given = pilot) => auto.refine!(shape, from, 3000, traffic, given)
    expect(
      near(own[0])
        .filter((one) => !one.stack!.metric)
        .map((one) => one.stack),
    ).toEqual([others[0].stack])
    expect(
      near(others[0])
        .filter((one) => one.stack!.metric)
        .map((one) => one.stack),
    ).toEqual([own[0].stack])
    expect(auto.variants!(shape, 3000, traffic, { ...pilot, queries: matrix(300, 3) })).toEqual(others)
    expect(auto.variants!(shape, 3000, traffic)).toEqual(others)
  })
})

describe('a stream that chooses a stack by its first tokens', () => {
  const wide = { d: 12, dv: 4, scale: 1 / Math.sqrt(12) }
  const budget = { ...wide, budgetBytes: 6000, weighted: false, tokens: 3000 }
  const pilot = { block: { keys: random(400, 12, 8, 4), values: valuesOf(random(400, 12, 8, 4)) }, queries: narrow(400, 7) } // prettier-ignore
  const named: Stack[] = [{ window: 0, kept: [tier('clusters', 1)], rest: 'none' }]

  test('tries the named stacks in the metric of its queries, too', () => {
    const own = queryMetric({ queries: pilot.queries })
    expect(namedInMetric(named, pilot.queries, budget, methods)).toEqual([{ ...named[0], metric: own }])
    expect(namedInMetric(named, matrix(400, 12), budget, methods)).toEqual([])
    expect(namedInMetric(named, pilot.queries, { ...budget, budgetBytes: 100 }, methods)).toEqual([])
  })

  test('judges them in the metric of the queries before the questions', () => {
    const judged = trialOf(pilot, budget, methods)!
    const ones = queryMetric({ queries: random(20, 12, 1) })
    const [plain, first, second] = [named[0], { ...named[0], metric: ones }, { ...named[0], metric: queryMetric({ queries: pilot.queries }) }].map(judged) // prettier-ignore
    expect(first).toBe(second)
    expect(first).toBeLessThan(0.8 * plain)
  })

  test('goes on in the metric of all queries that it has, as it holds them', () => {
    const stream = autoStream({ ...wide, budgetBytes: 6000, tokens: 3000, learn: true }, methods)
    for (let at = 0; stream.isLearning; at = (at + 1) % 400) stream.step({ keys: rowOf(pilot.block.keys, at), values: rowOf(pilot.block.values, at) }, rowOf(pilot.queries, at)) // prettier-ignore
    const [chosen, near] = [stream.stack.metric!, queryMetric({ queries: pilot.queries })]
    expect(distance(Float64Array.from(chosen), Float64Array.from(near))).toBeLessThan(0.1 * Math.hypot(...near))
    expect(stream.bytes).toBeLessThanOrEqual(6000)
  })
})
