// Stores and streams that are made for a moment are given back, whatever is called: a store that counts which of its holds are still open, and methods that count their streams.
// Kills: a copy of a later stream that a merge leaves, rows staged for a store and never let go, tokens of a snapshot that are read and kept, a reset that keeps what was, a trial whose
// streams stay, first tokens that stay when a stack is chosen or a snapshot is compared with a fresh one.
import type { Method, Shape, TierMethod, TierSpec } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { meanMethod } from '@sublinear/streaming-attention'
import { float32, quantised, type TokenStore } from '@sublinear/token-store'
import { describe, expect, it, test } from 'vitest'
import { simdMachine } from '../../kernels/src/module'
import {
  autoStream,
  clusters,
  farKeys,
  farKeysMethod,
  h2o,
  h2oMethod,
  keyDiff,
  reservoir,
  restoreAutoStream,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  windowMethod,
} from '../src'
import { trialOf } from '../src/stack/own-trial'
import { stackOf } from './stack-lines'

const shape = { d: 3, dv: 2, scale: 0.5 }
const block = (rows: number, seed = 1) => ({ keys: random(rows, 3, seed, 2), values: random(rows, 2, seed + 1) })
const queries = (rows: number) => random(rows, 3, 7)

/** A store like another, which counts the holds that are open, rows that are staged for one among them. */
function counted(of: TokenStore): { readonly store: TokenStore; readonly open: () => number } {
  let open = 0
  const watched = <T extends object>(one: T): T => {
    open++
    return new Proxy(one, {
      get(held, name) {
        const found: unknown = Reflect.get(held, name)
        if (name === Symbol.dispose)
          return () => {
            open--
            ;(found as () => void).call(held)
          }
        if (name !== 'copy' && name !== 'staged') return found
        return (...given: unknown[]) => watched((found as (...all: unknown[]) => object).apply(held, given))
      },
    })
  }
  return { store: { ...of, make: (options) => watched(of.make(options)) }, open: () => open }
}

const POLICIES: readonly (readonly [string, (store: TokenStore) => TierSpec])[] = [
  ['sinks', (store) => sinks({ count: 20, store })],
  ['window', (store) => window({ count: 20, store })],
  ['streamingLlm', (store) => streamingLlm({ count: 20, store })],
  ['far keys', (store) => farKeys({ count: 20, store })],
  ['reservoir', (store) => reservoir({ count: 20, seed: 1, store })],
  ['h2o', (store) => h2o({ count: 20, store })],
  ['tova', (store) => tova({ count: 20, store })],
  ['snapKv', (store) => snapKv({ count: 20, store })],
  ['keyDiff', (store) => keyDiff({ count: 20, store })],
  ['clusters', (store) => clusters({ count: 20, store })],
]

describe.each(POLICIES)('%s', (_, make) => {
  it.each([float32, quantised({ keyBits: 5, valueBits: 4 })])('holds one store, whatever is called: %#', (of) => {
    const { store, open } = counted(of)
    const stream = make(store)(shape)
    const other = make(float32)(shape)
    expect(open()).toBe(1)
    for (const one of [stream, other]) {
      for (const rows of [150, 1, 30]) one.push(block(rows, rows))
      one.step(block(70), queries(70))
      one.admit(block(100, 5))
    }
    stream.attend(queries(2))
    stream.toBytes()
    expect(open()).toBe(1)
    const copy = stream.fork() as typeof stream & Disposable
    expect(open()).toBe(2)
    copy.push(block(300))
    copy[Symbol.dispose]()
    expect(open()).toBe(1)
    if (stream.merging === 'ordered' && of === float32) {
      stream.merge(other)
      stream.absorb!(other)
      expect(open()).toBe(1)
    }
    stream.reset()
    stream.push(block(200))
    expect(open()).toBe(1)
    ;(stream as typeof stream & Disposable)[Symbol.dispose]()
    expect(open()).toBe(0)
  })
})

test('tiers hold one store of tokens that wait', () => {
  const { store, open } = counted(float32)
  const make = () => tiers({ ...shape, parts: [window({ count: 9 }), exactStream], waiting: store })
  const [one, other] = [make(), make()]
  for (const stream of [one, other]) stream.push(block(150))
  const copy = one.fork() as typeof one
  expect(open()).toBe(3)
  one.merge(other)
  one.reset()
  one.push(block(99))
  expect(open()).toBe(3)
  for (const stream of [one, other, copy]) stream[Symbol.dispose]()
  expect(open()).toBe(0)
})

/** Methods whose streams are counted until they are disposed of. */
function countedMethods() {
  let open = 0
  const watched = <T extends object>(stream: T): T => {
    open++
    const own = stream as Disposable
    const before = own[Symbol.dispose].bind(own)
    Object.defineProperty(own, Symbol.dispose, {
      value: () => {
        open--
        before()
      },
    })
    return stream
  }
  const methods: Method<any>[] = [windowMethod, farKeysMethod, h2oMethod].map((method: TierMethod<any>) => ({
    ...method,
    tier: (options: object) => (own: Shape) => watched(method.tier(options)(own)),
  }))
  return { methods: [...methods, meanMethod], open: () => open }
}
const stack = stackOf('h2o 0.5 6/4, farKeys 0.5 6/4 | mean | 16')
const opened = (bytes: Uint8Array): ReturnType<Method['open']> => [windowMethod, farKeysMethod, h2oMethod, meanMethod].find(({ name }) => new TextDecoder().decode(bytes).includes(`"kind":"${name}"`))!.open(bytes, opened) // prettier-ignore

describe('of a stack', () => {
  it('the streams of a trial are given back', () => {
    const { methods, open } = countedMethods()
    const budget = { ...shape, budgetBytes: 3000, tokens: 4000, weighted: false }
    trialOf({ block: block(200), queries: queries(200) }, budget, methods)!(stack)
    expect(open()).toBe(0)
  })
  it('the streams are its parts, and are given back with it; a snapshot is compared with none that stays', () => {
    const { methods, open } = countedMethods()
    const stream = autoStream({ ...shape, budgetBytes: 4000, tokens: 900, stack }, methods)
    stream.step(block(200), queries(200))
    expect(open()).toBe(3)
    restoreAutoStream(stream.toBytes(), opened, methods)
    expect(open()).toBe(3)
    stream.reset()
    expect(open()).toBe(3)
    stream[Symbol.dispose]()
    expect(open()).toBe(0)
  })
  it('a stream that learns holds the streams of one stack', () => {
    const { methods, open } = countedMethods()
    const stream = autoStream({ ...shape, budgetBytes: 3000, tokens: 9000, learn: true }, methods)
    expect(open()).toBe(0)
    stream.step(block(700), queries(700))
    expect(stream.isLearning).toBe(false)
    const held = stream.stack.kept.length + Number(stream.stack.window > 0)
    expect(open()).toBe(held)
    stream.reset()
    expect([stream.isLearning, open()]).toEqual([true, 0])
    stream[Symbol.dispose]()
    expect(() => stream.push(block(1))).toThrow(/disposed/)
  })

  it('a stream gives all memory of the kernels back, after it chose, and after it opened from a snapshot', () => {
    const { arena } = simdMachine()
    const [take, give] = [arena.take, arena.give]
    const given = { ...shape, budgetBytes: 3000, tokens: 9000, learn: true }
    const once = (pieces: readonly number[]) => {
      const { methods } = countedMethods()
      const stream = autoStream(given, methods)
      for (const rows of pieces) stream.step(block(rows), queries(rows))
      const copy = stream.fork() as typeof stream
      const back = restoreAutoStream(stream.toBytes(), opened, methods)
      for (const one of [back, copy, stream]) one[Symbol.dispose]()
      return stream.isLearning
    }
    expect([once([50]), once([700]), once([300, 1, 80])]).toEqual([true, false, false]) // what is made once for all calls is there now
    let used = 0
    arena.take = (bytes) => ((used += bytes), take.call(arena, bytes))
    arena.give = (offset, bytes) => ((used -= bytes), give.call(arena, offset, bytes))
    try {
      for (const pieces of [[50], [700], [300, 1, 80]]) {
        once(pieces)
        expect(used).toBe(0)
      }
    } finally {
      Object.assign(arena, { take, give })
    }
  })
})
