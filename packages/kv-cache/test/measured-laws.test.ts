// The wrapper `measured` by the laws of streams, of compositions and of methods, around a closure, a window, tiers, and a policy that learns. Kills, over the mistakes that the laws list:
// a sample that is not given what the stream is given, a check of one of the two alone, a snapshot without the sample or with another stream's, a step that pushes twice,
// bytes without the sample or its buffer, tokens taken back from one of the two or only where more could come (this law found it), a fork that shares one of them, tokens of the wrapper that go on when the stream refuses.
import { decodeSnapshot, type AttentionStream, type Shape, type StreamSpec } from '@sublinear/core'
import { attentionStreamLaws, compositionLaws, methodLaws, random, refusing } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureMethod, closureStream } from '@sublinear/streaming-attention'
import { describe, expect, test } from 'vitest'
import { measured, measuredMethod, reservoir, restoreMeasured, restoreTiers, snapKv, tiers, window } from '../src'
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const openOne = openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 }))
const open = (bytes: Uint8Array): AttentionStream =>
  decodeSnapshot(bytes).kind === 'tiers' ? restoreTiers(bytes, openOne) : openOne(bytes)
const restore = (bytes: Uint8Array) => restoreMeasured(bytes, open)

const cases: { readonly name: string; readonly of: StreamSpec; readonly error?: number }[] = [
  { name: 'a closure', of: closureStream, error: 0.2 },
  { name: 'a window of all tokens', of: window({ count: 1000 }) },
]

describe.each(cases)('measured, around $name', ({ of, error }) => {
  const laws = attentionStreamLaws({
    name: 'measured',
    make: () => measured({ of, count: 40, seed: 3, buffer: 16 })(shape),
    restore,
    ...(error !== undefined && { error }),
  })
  for (const law of laws) test(law.name, law.run)
})

describe.each<[string, StreamSpec]>([
  ['a closure', closureStream],
  ['tiers', (own) => tiers({ ...own, parts: [window({ count: 9 }), closureStream], buffer: 16 })],
  ['a policy that learns', snapKv({ count: 30, buffer: 16 })],
])('measured, around %s', (_, of) => {
  const laws = compositionLaws({
    name: 'measured',
    make: (part) => measured({ of: (own) => part(of(own)), count: 20, seed: 3, buffer: 16 })(shape),
    restore,
    shape,
  })
  for (const law of laws) test(law.name, law.run)
})

test('the sample is that of a reservoir that was given the same', () => {
  const [keys, values] = [random(300, 3, 1), random(300, 2, 2)]
  const [one, alone] = [
    measured({ of: closureStream, count: 30, seed: 3 })(shape),
    reservoir({ count: 30, seed: 3 })(shape),
  ]
  for (const stream of [one, alone]) stream.push({ keys, values })
  const plain = closureStream(shape)
  plain.push({ keys, values })
  expect(one.bytes).toBe(plain.bytes + alone.bytes)
  expect(one.of.toBytes()).toEqual(plain.toBytes())
})

test('a stream that refuses tokens leaves the sample as it was', () => {
  const stream = measured({ of: (own: Shape) => refusing(closureStream(own), 5), count: 30, seed: 3 })(shape)
  const block = { keys: random(9, 3, 1), values: random(9, 2, 2) }
  stream.push(block)
  const bytes = stream.toBytes()
  expect(() => stream.push(block)).toThrow('it takes no more')
  expect(stream.toBytes()).toEqual(bytes)
})

// A name of two words is no name of a catalogue: the first law is about those. Of the others all hold.
describe.each([{ method: measuredMethod(closureMethod), error: 0.2 }])('$method.name', ({ method, ...options }) => {
  const [named, ...laws] = methodLaws(method as never, { open, ...options })
  test('is the method with a word behind its name', () => {
    expect(named.name).toContain('its name is the kind')
    expect(method.name).toMatch(/^[a-zA-Z0-9]+, measured$/)
  })
  for (const law of laws) test(law.name, law.run)
})
