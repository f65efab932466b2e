// The heads of a layer go on together or not at all. Kills: a head that takes before another refuses, merging with what has other heads.
import { describe, expect, it } from 'vitest'
import { random } from '@sublinear/laws'
import { exactStream, layer, type AttentionStream, type KvBlock, type Layer } from '../src'
import { makers, shape } from './streams-by-kind'

const refuse = () => {
  throw new RangeError('no room')
}

describe('heads that cannot go on together', () => {
  const ask = { queries: random(3, 12, 3) }
  const block = { keys: random(3, 6, 1), values: random(3, 4, 2) }

  it('none takes where another refuses', () => {
    const streams: AttentionStream[] = []
    const all = layer({
      queryHeads: 4,
      kvHeads: 2,
      make(h) {
        const inner = exactStream(shape)
        const check = h === 0 ? inner.check! : { push: refuse, step: refuse, merge: refuse }
        const stream = {
          ...inner,
          check,
          get tokens() {
            return inner.tokens
          },
          get bytes() {
            return inner.bytes
          },
        }
        streams.push(stream)
        return stream
      },
    })
    const before = all.toBytes()
    const other = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    other.push(block)
    for (const call of [() => all.push(block), () => all.step(block, ask.queries), () => all.merge(other)])
      expect(call).toThrow('no room')
    expect(all.toBytes()).toEqual(before)
    expect(streams.map(({ tokens }) => tokens)).toEqual([0, 0])
  })

  it('a head that fails after all have agreed leaves a layer that says so', () => {
    const all = layer({
      queryHeads: 4,
      kvHeads: 2,
      make(h) {
        const inner = exactStream(shape)
        if (h === 0) return inner
        return {
          ...inner,
          get tokens() {
            return inner.tokens
          },
          push() {
            throw new Error('disk on fire')
          },
        }
      },
    })
    expect(() => all.push(block)).toThrow('disk on fire')
    for (const call of [() => all.push(block), () => all.attend(ask.queries), () => all.toBytes()])
      expect(call).toThrow(/layer: .*broken/)
  })

  it('merging is head by head, and refuses other heads', () => {
    const [whole, first, later] = [0, 1, 2].map(() => layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })) as [
      Layer,
      Layer,
      Layer,
    ]
    const blocks = [0, 1].map((at) => ({ keys: random(40, 6, at), values: random(40, 4, at + 5) })) as [
      KvBlock,
      KvBlock,
    ]
    for (const one of blocks) whole.push(one)
    first.push(blocks[0])
    later.push(blocks[1])
    first.merge(later)
    expect(first.tokens).toBe(80)
    expect(first.attend(ask.queries)).toEqual(whole.attend(ask.queries))
    const before = first.toBytes()
    const other = layer({ queryHeads: 2, kvHeads: 2, make: makers['exact'] })
    expect(() => first.merge(other)).toThrow('layer: heads differ: 4 and 2 here, 2 and 2 there')
    expect(() => first.merge(exactStream(shape) as never)).toThrow(RangeError)
    expect(() => first.merge({} as never)).toThrow(TypeError)
    expect(first.toBytes()).toEqual(before)
  })
})
