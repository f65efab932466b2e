// boardMethod: a function of a user's own as a method.
// Kills: a stream made twice to be run once, the same stream handed out twice, members called on another `this` (private fields throw),
// tokens counted twice by step, a stream without `step` asked after the whole block.
import type { KvBlock, Matrix, Pilot } from '@sublinear/core'
import { emptyPartial, stepByToken } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { boardMethod, isMethod, type BoardStream } from '../src'

const shape = { d: 3, dv: 2, scale: 1 }
const block = (rows: number) => ({ keys: random(rows, 3, 1), values: random(rows, 2, 2) })
const traffic = { tokens: 10 }

/** A class with private fields: it answers only as itself. */
class Own implements BoardStream {
  readonly #inner = exactStream(shape)
  get bytes() {
    return this.#inner.bytes
  }
  push(tokens: KvBlock) {
    this.#inner.push(tokens)
  }
  attend(queries: Matrix) {
    return this.#inner.attend(queries)
  }
}

test('is asked once a stream, with budget, tokens and pilot', () => {
  const asked: unknown[] = []
  const pilot: Pilot = { queries: random(4, 3, 1), ...block(4) }
  const method = boardMethod({ name: 'own', make: (...given) => (asked.push(given), new Own()) })
  expect(isMethod(method)).toBe(true)
  const options = method.within(shape, 100, traffic, pilot)!
  expect(method.bytes(shape, options, traffic)).toBe(100)
  const first = method.make(shape, options)
  expect(asked).toEqual([[shape, 100, 10, pilot]])
  const second = method.make(shape, options)
  expect(asked.length).toBe(2)
  first.push(block(3))
  expect([first.tokens, second.tokens]).toEqual([3, 0])
})

test('answers as the stream does, token by token where that has no step', () => {
  const method = boardMethod({ name: 'own', make: () => new Own(), learns: 'queries' })
  const stream = method.make(shape, method.within(shape, 100, traffic)!)
  const exact = exactStream(shape)
  const queries = random(14, 3, 3)
  expect(stream.step(block(7), queries)).toEqual(stepByToken(exact, block(7), queries))
  expect([stream.tokens, stream.bytes, stream.d, stream.dv, stream.scale]).toEqual([7, exact.bytes, 3, 2, 1])
  expect(method.learns).toBe('queries')
})

test('says what it cannot do', () => {
  const method = boardMethod({ name: 'own', make: () => new Own() })
  const stream = method.make(shape, method.within(shape, 100, traffic)!)
  expect(() => stream.merge(stream)).toThrow('own: cannot merge')
  expect(() => stream.toBytes()).toThrow('own: has no snapshot')
  expect(() => method.open(new Uint8Array(0), () => stream)).toThrow('own: its snapshots cannot be opened')
  const none = boardMethod({ name: 'none', make: () => undefined })
  expect(none.within(shape, 100, traffic)).toBeUndefined()
  const half = boardMethod({ name: 'half', make: () => ({ bytes: 8, attend: () => emptyPartial(0, 2) }) as never })
  expect(() => half.within(shape, 100, traffic)).toThrow('half: a stream must have push and attend')
  expect(() => boardMethod({ name: 'no', make: 1 as never })).toThrow(TypeError)
  for (const no of [undefined, null, {}, { ...method, learns: true }, { ...method, name: 1 }])
    expect(isMethod(no)).toBe(false)
})
