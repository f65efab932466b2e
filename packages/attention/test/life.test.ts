// Copies, trials, shared keys and values, and sequences of unequal length, for layers and for compositions with parts of one's own. Kills: a fork of the
// first head alone, a part that cannot be forked left out, `again` that teaches or sees later tokens, rows of a neighbour's sequence, a mask that is
// ignored, a beam that writes into another.
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import {
  batch,
  catalogue,
  closureStream,
  exactStream,
  layer,
  normalise,
  onePass,
  open,
  osnap,
  policies,
  querySketch,
  scope,
  sharedStream,
  speculate,
  taylorFeatures,
  tiers,
  type AttentionStream,
  type Matrix,
  type TierSpec,
} from '../src'

const shape = { d: 4, dv: 3, scale: 0.5 }
const { h2o, sinks, window } = policies
const stack = () => tiers({ ...shape, parts: [sinks({ count: 2 }), window({ count: 9 }), closureStream], buffer: 16 })
const heads = [() => exactStream(shape), stack, () => h2o({ count: 20 })(shape)]
const whole = () => layer({ queryHeads: 6, kvHeads: 3, make: (h) => heads[h]() })
const rowsAt = (from: number, rows: number) => ({
  block: { keys: random(rows, 12, from + 1), values: random(rows, 9, from + 2) },
  queries: random(rows, 24, from + 3),
})
const cut = (m: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  cols: m.cols,
  data: m.data.slice(from * m.cols, to * m.cols),
})

const filled = () => {
  const made = whole()
  const { block, queries } = rowsAt(0, 100)
  made.step(block, queries)
  return made
}

/** A window that was never given `fork` and `reset`. */
const mine: TierSpec = (own) => {
  const lacking = { fork: undefined, reset: undefined }
  return Object.assign(Object.create(window({ count: 8 })(own)) as ReturnType<TierSpec>, lacking as object)
}

const key = (word: number) => random(1, 4, 100 + word)
const value = (word: number) => random(1, 3, 200 + word)
const scoreOf = (stream: AttentionStream, word: number) =>
  normalise(stream.attend(key(word))).data.reduce((sum, x, c) => sum + x * value(word).data[c], 0)

describe('a layer', () => {
  it('forks and resets head by head', () => {
    const [stream, other] = [filled(), rowsAt(50, 30)]
    const copy = stream.fork()
    copy.step(other.block, other.queries)
    expect(stream.toBytes()).toEqual(filled().toBytes())
    const plain = filled()
    plain.step(other.block, other.queries)
    expect(copy.toBytes()).toEqual(plain.toBytes())
    copy.reset()
    expect(copy.toBytes()).toEqual(whole().toBytes())
  })
  it('takes tokens on trial', () => {
    const [stream, plain] = [filled(), filled()]
    const trial = speculate(stream)
    for (const [round, kept] of [0, 1, 3, 4, 2, 4, 4].entries()) {
      const { block, queries } = rowsAt(200 + round, 4)
      const ahead = plain.fork()
      expect(normalise(trial.step(block, queries)).data).toEqual(normalise(ahead.step(block, queries)).data)
      trial.accept(kept)
      plain.step({ keys: cut(block.keys, 0, kept), values: cut(block.values, 0, kept) }, cut(queries, 0, kept))
      expect(stream.toBytes()).toEqual(plain.toBytes())
    }
  })
  it('opens as streams do', () => {
    const bytes = filled().toBytes()
    expect('streams' in open(bytes)).toBe(true)
    expect(open(bytes).toBytes()).toEqual(bytes)
    const alone = stack()
    expect(open(alone.toBytes()).toBytes()).toEqual(alone.toBytes())
    expect(() => open(new Uint8Array(3))).toThrow(RangeError)
  })
})

const around = () => tiers({ ...shape, parts: [mine, closureStream] })

describe('a stream of one’s own', () => {
  it('is refused by name, with what to add', () => {
    expect(() => around().fork()).toThrow('tiers: part-0 has no fork(), give it a function fork() that returns')
    expect(() => around().reset()).toThrow('tiers: part-0 has no reset(), give it a function reset()')
    const own = layer({ queryHeads: 1, kvHeads: 1, make: () => mine(shape) as AttentionStream })
    expect(() => own.fork()).toThrow('layer: stream-0 has no fork(), give it')
  })
})

describe('trials', () => {
  it('notice tokens that come beside them', () => {
    const stream = exactStream(shape)
    const trial = speculate(stream)
    const block = { keys: random(2, 4, 1), values: random(2, 3, 2) }
    trial.push(block)
    stream.push(block)
    expect(() => trial.accept(1)).toThrow('speculate: the stream was given 2 tokens beside those on trial')
    expect(() => trial.push(block)).toThrow('beside those on trial')
  })
  it.each([-1, 3, 0.5])('accept no %f of two tokens', (count) => {
    const trial = speculate(exactStream(shape))
    trial.push({ keys: random(2, 4, 1), values: random(2, 3, 2) })
    expect(() => trial.accept(count)).toThrow(RangeError)
    expect(trial.tokens).toBe(2)
  })
  it('of a stream that takes back nothing else', () => {
    const stream = stack()
    stream.push({ keys: random(20, 4, 1), values: random(20, 3, 2) })
    expect(() => stream.takeBack(4)).toThrow('tiers: can take back at most 3 tokens now, got 4')
  })
})

describe('keys and values that layers share', () => {
  const methods = ['exact', 'endless', 'h2o', 'closure', 'balanceKv'].map(
    (name) => [name, catalogue.find((method) => method.name === name)!] as const,
  )
  it.each(methods)('%s answers every set of queries as the first', (_, method) => {
    const traffic = { tokens: 400, groups: 1, weighted: false }
    const make = () => method.make(shape, method.within(shape, 20_000, traffic)!)
    const [stream, plain] = [make(), make()]
    const shared = sharedStream(stream)
    for (const [i, rows] of [70, 3, 64, 1, 65].entries()) {
      const block = { keys: random(rows, 4, 10 * i), values: random(rows, 3, 10 * i + 1) }
      const [own, second, third] = [2, 3, 4].map((lane) => random(rows, 4, 10 * i + lane))
      const wanted = [second, third].map((queries) => plain.fork().step(block, queries))
      expect(shared.step(block, own)).toEqual(plain.step(block, own))
      expect([second, third].map((queries) => shared.again(queries))).toEqual(wanted)
      expect(stream.toBytes()).toEqual(plain.toBytes())
    }
    stream.push({ keys: random(1, 4, 1), values: random(1, 3, 1) })
    expect(() => shared.again(random(65, 4, 1))).toThrow('sharedStream: again follows a step')
    shared[Symbol.dispose]()
    expect(() => shared.again(random(64, 4, 1))).toThrow('sharedStream: again follows a step')
  })
})

describe('sequences of unequal length', () => {
  const offsets = [0, 5, 5, 70, 71]
  const { block, queries } = rowsAt(7, 71)
  const part = (i: number) =>
    [
      { keys: cut(block.keys, offsets[i], offsets[i + 1]), values: cut(block.values, offsets[i], offsets[i + 1]) },
      cut(queries, offsets[i], offsets[i + 1]),
    ] as const
  it('are answered as one by one', () => {
    const all = batch(Array.from({ length: 4 }, whole))
    const alone = Array.from({ length: 4 }, whole)
    for (let round = 0; round < 2; round++) {
      const got = normalise(all.step({ ...block, queries, offsets })).data
      const wanted = alone.flatMap((one, i) => [...normalise(one.step(...part(i))).data])
      expect([...got]).toEqual(wanted)
      all.push({ ...block, offsets })
      for (const [i, one] of alone.entries()) one.push(part(i)[0])
      const asked = alone.flatMap((one, i) => [...normalise(one.attend(part(i)[1])).data])
      expect([...normalise(all.attend({ queries, offsets })).data]).toEqual(asked)
    }
  })
  it('are refused padded, with the way to pack them', () => {
    const all = batch(Array.from({ length: 4 }, whole))
    const padded = { ...block, queries, offsets, attentionMask: [0, 1] }
    expect(() => all.step(padded)).toThrow('batch: there is no option "attentionMask": leave rows of padding out')
    for (const wrong of [[0, 71], [0, 5, 4, 70, 71], [0, 5, 5, 70, 72], [1, 5, 5, 70, 71], undefined])
      expect(() => all.push({ ...block, offsets: wrong as never })).toThrow('batch: offsets must be 5 integers')
    expect(all.layers.every(({ tokens }) => tokens === 0)).toBe(true)
    expect(() => batch([whole(), layer({ queryHeads: 1, kvHeads: 1, make: stack })])).toThrow('layer 1 must have')
  })
})

describe('options that nobody knows', () => {
  const features = taylorFeatures({ d: 4, degree: 2, scale: 0.5 })
  it.each<[string, () => unknown, string]>([
    [
      'onePass',
      () => onePass({ features, dv: 3, psi: osnap({ m: 64, nonzeros: 4, seed: 1 }), controlVariates: true } as never),
      'controlVariate',
    ],
    ['querySketch', () => querySketch({ features, phy: 1 } as never), 'phi'],
  ])('%s', (_, make, known) => {
    expect(make).toThrow(`did you mean ${known}?`)
  })
})

describe('beam search with forks', () => {
  it('finds what trying every path finds', () => {
    // A toy model: the score of a word is what attention over the words before says of it.
    const [words, depth] = [3, 4]
    const start = exactStream(shape)
    start.push({ keys: random(5, 4, 1), values: random(5, 3, 2) })
    type Beam = { readonly stream: AttentionStream; readonly path: readonly number[]; readonly score: number }
    const grown = ({ stream, path, score }: Beam): Beam[] =>
      Array.from({ length: words }, (_, word) => {
        const next = stream.fork()
        next.push({ keys: key(word), values: value(word) })
        return { stream: next, path: [...path, word], score: score + scoreOf(stream, word) }
      })
    let beams: Beam[] = [{ stream: start, path: [], score: 0 }]
    for (let i = 0; i < depth; i++) beams = beams.flatMap(grown).toSorted((a, b) => b.score - a.score) // as wide as all
    const best = beams[0]
    const replayed = exactStream(shape)
    replayed.push({ keys: random(5, 4, 1), values: random(5, 3, 2) })
    let score = 0
    for (const word of best.path) {
      score += scoreOf(replayed, word)
      replayed.push({ keys: key(word), values: value(word) })
    }
    expect(score).toBe(best.score)
    expect(beams).toHaveLength(words ** depth)
    expect(replayed.toBytes()).toEqual(best.stream.toBytes())
    expect(start.tokens).toBe(5)
  })
})

describe('a scope', () => {
  const block = { keys: random(70, 4, 1), values: random(70, 3, 2) }
  it('gives back what was made inside, and leaves what stood before', () => {
    const outside = stack()
    let inside: AttentionStream | undefined
    const made = scope(() => {
      inside = outside.fork()
      inside.push(block)
      outside.push(block)
      const heads = layer({ queryHeads: 1, kvHeads: 1, make: () => exactStream(shape) })
      heads.push(block)
      const methods = catalogue.flatMap((method) => {
        const options = method.within(shape, 50_000, { tokens: 100 })
        return options ? [method.make(shape, options)] : []
      })
      return [...methods, heads]
    })
    expect(() => inside!.attend(random(1, 4, 3))).toThrow('disposed')
    for (const one of made) expect(() => one.attend(random(1, 4, 3))).toThrow('disposed')
    expect(normalise(outside.attend(random(1, 4, 3))).rows).toBe(1)
    outside.push(block)
    expect(outside.tokens).toBe(140)
  })
  it('also when it throws, scope by scope', () => {
    const seen: AttentionStream[] = []
    const own = () => seen[seen.push(exactStream(shape)) - 1]
    expect(() =>
      scope(() => {
        own()
        scope(() => void own().push(block))
        expect(() => seen[1].push(block)).toThrow('disposed')
        seen[0].push(block)
        throw new Error('so be it')
      }),
    ).toThrow('so be it')
    expect(() => seen[0].push(block)).toThrow('disposed')
    own().push(block)
    expect(() => scope(() => Promise.resolve(1))).toThrow('scope: run must be synchronous')
  })
})

describe('thousands of streams of 2 MiB, dropped in one loop', () => {
  it('run, since memory is found before it grows', () => {
    const [wide, rows] = [{ d: 64, dv: 64, scale: 0.125 }, 4096]
    const block = { keys: random(rows, 64, 1), values: random(rows, 64, 2) }
    const asked = random(1, 64, 3)
    const first = exactStream(wide)
    first.push(block)
    const wanted = first.attend(asked)
    for (let i = 0; i < 2200; i++) exactStream(wide).push(block) // more kernel memory than there can be
    expect(first.attend(asked)).toEqual(wanted)
  }, 120_000)
})
