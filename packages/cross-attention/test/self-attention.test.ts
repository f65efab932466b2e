// Self-attention over one source read twice, against float64 softmax of its rows with themselves. Kills: one pass only (the first query
// would see one token), a source that is spent, shorter, longer or different the second time, an iterator left open.
import { matrix, rowsOf, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { describe, expect, it } from 'vitest'
import { crossAttention, selfAttention, type RowsTwice } from '../src'

const any = (value: unknown) => value as never
const [n, d] = [100, 3]
const x = random(n, d, 1)
const eye = matrix(d, d, Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1))
const features = taylorFeatures({ d, degree: 8, scale: 0.5 })
const make = (more = {}) => crossAttention({ wq: eye, wk: eye, wv: eye, features, ...more })
const truth = softmaxOracle(x, x, x, 0.5, () => n)
const blocks = (sizes: number[]) => {
  let at = 0
  return sizes.map((size) => rowsOf(x, at, (at += size)))
}
const answers = async (source: RowsTwice, attention = make()) => {
  const all: number[] = []
  for await (const part of selfAttention({ source, attention })) all.push(...normalise(part).data)
  return all
}

const twice = (first: Matrix[], second: Matrix[]) => {
  let pass = 0
  return { [Symbol.iterator]: () => (pass++ === 0 ? first : second).values() }
}

describe('selfAttention', () => {
  const sources: [string, RowsTwice][] = [
    ['a matrix', x],
    ['an array of blocks', blocks([1, 63, 36])],
    ['an object that makes an iterator each time', { [Symbol.iterator]: () => blocks([40, 60]).values() }],
    [
      'an async object, cut otherwise the second time',
      (() => {
        let pass = 0
        return {
          async *[Symbol.asyncIterator]() {
            yield* pass++ === 0 ? blocks([30, 70]) : blocks([99, 1])
          },
        }
      })(),
    ],
  ]
  it.each(sources)('answers every row of %s over all of them', async (_, source) => {
    expect(distance(await answers(source), truth)).toBeLessThan(1e-5)
  })

  it('with Φ leaves the columns behind', async () => {
    const phi = sparseRecovery({ n, k: n, epsilon: 0.5, seed: 1 }) // Φ = I
    const attention = make({ phi })
    await answers(x, attention)
    const [first] = attention.columns()
    expect(first.indices.length).toBe(n)
    const wanted = [...first.indices].map((i) => truth[i * d])
    expect(distance(first.values, wanted)).toBeLessThan(1e-5)
  })

  const spent = 'selfAttention: source must be readable twice, got one that is spent once read'
  const held = blocks([50, 50]).values()
  const unread: [string, unknown][] = [
    ['a generator', blocks([50, 50]).values()],
    [
      'an async generator',
      (async function* () {
        yield x
      })(),
    ],
    ['a stream', new ReadableStream<Matrix>()],
  ]
  it.each(unread)('refuses %s before it reads anything', async (_, source) => {
    const attention = make()
    await expect(answers(any(source), attention)).rejects.toThrow(spent)
    expect(attention.tokens).toBe(0)
  })

  it('refuses one iterator behind two doors', async () => {
    await expect(answers({ [Symbol.iterator]: () => ({ next: () => held.next() }) })).rejects.toThrow('got 0 of 100')
    const same = { next: () => ({ done: true as const, value: undefined }) }
    await expect(answers({ [Symbol.iterator]: () => same })).rejects.toThrow(spent)
  })

  it.each([
    ['no rows', [x], [], 'got 0 of 100'],
    ['fewer rows', [x], blocks([99]), 'got 99 of 100'],
    ['more rows', blocks([60]), blocks([60, 40]), 'got more than its 60'],
    ['other rows', [x], [rowsOf(random(n, d, 2), 0)], 'the second pass must give the rows of the first, got others'],
    ['the same rows in another order', blocks([50, 50]), blocks([50, 50]).toReversed(), 'got others'],
    ['rows of another width', [x], [random(n, 2, 1)], 'a block of source must have 3 columns, got 2'],
  ])('refuses a second pass of %s', async (_, first, second, message) => {
    await expect(answers(twice(first, second))).rejects.toThrow(message)
  })

  it('refuses what is no source, and an attention that has seen rows', async () => {
    for (const source of [7, null, {}])
      await expect(answers(any(source))).rejects.toThrow('selfAttention: source must be')
    const used = make()
    used.pushContext(x)
    await expect(answers(x, used)).rejects.toThrow('selfAttention: attention must be empty, got 100 tokens, 0 queries')
    const uneven = make({ wq: random(4, 3, 1) })
    await expect(answers(x, uneven)).rejects.toThrow('selfAttention: wq and wk must have equal rows, got 4 and 3')
  })

  it('closes what it opened when the reader stops', async () => {
    let [opened, closed] = [0, 0]
    const source = {
      *[Symbol.iterator]() {
        opened++
        try {
          yield* blocks([50, 50])
        } finally {
          closed++
        }
      },
    }
    for await (const _ of selfAttention({ source, attention: make() })) break
    expect([opened, closed]).toEqual([2, 2])
  })
})
