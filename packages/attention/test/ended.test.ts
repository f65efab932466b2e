// Streams and layers that have ended, and those that broke, say so in their own name, whatever is called. Kills: a call that is not asked about, one that goes on to a part, whose
// name then stands in the message, an end that leaves what a stream holds.
import { measured } from '@sublinear/kv-cache'
import { random, refusing } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { batch, closureStream, exactStream, layer, policies, tiers } from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const block = (heads = 1) => ({ keys: random(5, 3 * heads, 1), values: random(5, 2 * heads, 2) })
const { window, farKeys, h2o } = policies

const MADE = {
  exact: () => exactStream(shape),
  window: () => window({ count: 9 })(shape),
  farKeys: () => farKeys({ count: 9, halvedAfter: 3 })(shape),
  h2o: () => h2o({ count: 9 })(shape),
  tiers: () => tiers({ ...shape, parts: [window({ count: 9 }), exactStream] }),
  measured: () => measured({ of: closureStream, count: 9, seed: 1 })(shape),
  layer: () => layer({ queryHeads: 2, kvHeads: 2, make: () => exactStream(shape) }),
} as const

describe.each(Object.entries(MADE))('%s', (kind, make) => {
  const heads = kind === 'layer' ? 2 : 1
  const queries = random(5, 3 * heads, 3)
  const own = block(heads)
  const other = make()
  other.push(own)
  const calls = (stream: ReturnType<(typeof MADE)['tiers']>) => ({
    push: () => stream.push(own),
    step: () => stream.step(own, queries),
    attend: () => stream.attend(queries),
    bars: () => stream.attend(queries, { errorBars: true }),
    merge: () => stream.merge(other as never),
    toBytes: () => stream.toBytes(),
    fork: () => stream.fork(),
    reset: () => stream.reset(),
    takeBack: () => stream.takeBack(0),
    'check.push': () => stream.check.push(own),
    'check.step': () => stream.check.step(own, queries),
    'check.takeBack': () => stream.check.takeBack!(0),
    ...(kind !== 'measured' && { 'check.merge': () => stream.check.merge(other as never) }),
  })
  const names = Object.keys(calls(make() as never))

  it.each(names)('that has ended refuses %s', (name) => {
    const stream = make() as never as ReturnType<(typeof MADE)['tiers']>
    stream.push(own)
    stream[Symbol.dispose]()
    const refused = kind === 'measured' && name === 'merge' ? 'cannot merge, merging is none' : 'this stream was disposed' // prettier-ignore
    expect(calls(stream)[name as 'push']).toThrow(`${kind}: ${refused}`)
  })
})

const failing = () => {
  const stream = exactStream(shape)
  const { push } = stream
  let calls = 0
  return Object.assign(stream, {
    push(given: Parameters<typeof push>[0]) {
      if (++calls > 1) throw new RangeError('there is no memory')
      push(given)
    },
  })
}

describe('a layer whose stream failed halfway', () => {
  it.each(['push', 'step', 'attend', 'toBytes', 'fork', 'reset', 'takeBack', 'merge'] as const)(
    'refuses %s ever after, and says why',
    (name) => {
      const broken = layer({ queryHeads: 2, kvHeads: 2, make: (h) => (h === 0 ? exactStream(shape) : failing()) })
      broken.push(block(2))
      expect(() => broken.push(block(2))).toThrow('there is no memory')
      const queries = random(5, 6, 3)
      const calls = {
        push: () => broken.push(block(2)),
        step: () => broken.step(block(2), queries),
        attend: () => broken.attend(queries),
        toBytes: () => broken.toBytes(),
        fork: () => broken.fork(),
        reset: () => broken.reset(),
        takeBack: () => broken.takeBack(0),
        merge: () => broken.merge(MADE.layer()),
      }
      expect(calls[name]).toThrow('layer: this stream is broken since push failed halfway: there is no memory')
    },
  )
  it('is no other than one that refuses: that goes on', () => {
    const whole = layer({ queryHeads: 1, kvHeads: 1, make: () => refusing(exactStream(shape), 5) as never })
    const all = batch([whole])
    whole.push(block())
    expect(() => all.push({ ...block(), offsets: [0, 5] })).toThrow('it takes no more')
    expect(whole.attend(random(1, 3, 1)).mass[0]).toBeGreaterThan(0)
  })
})
