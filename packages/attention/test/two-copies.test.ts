// Two copies of the packages in one process, as where one part imports and another requires them. Kills: a stream that takes parts of the other copy for something
// else, and answers otherwise in silence; arrays of the other copy taken for ordinary ones.
import { afterEach, expect, it, vi } from 'vitest'
import { random } from '@sublinear/laws'

const shape = { d: 8, dv: 8, scale: 0.3 }
const block = { keys: random(300, 8, 1), values: random(300, 8, 2) }
const queries = random(5, 8, 3)

async function copies() {
  const one = await import('../src')
  vi.resetModules()
  const other = await import('../src')
  expect(other.tiers).not.toBe(one.tiers)
  return [one, other] as const
}

afterEach(() => void vi.resetModules())

it('tiers of one with parts of the other hold and answer the same', async () => {
  const [one, other] = await copies()
  const run = (from: typeof one) => {
    const { sinks, window, farKeys } = from.policies
    const stream = one.tiers({
      ...shape,
      parts: [
        sinks({ count: 4 }),
        window({ count: 32, store: from.quantised({ keyBits: 8, valueBits: 8 }) }),
        farKeys({ count: 32 }),
        from.closureStream,
      ],
    })
    stream.push(block)
    return { bytes: stream.bytes, merging: stream.merging, out: one.normalise(stream.attend(queries)) }
  }
  expect(run(other)).toEqual(run(one))
})

it('a snapshot of one opens in the other, and merges', async () => {
  const [one, other] = await copies()
  const [here, there] = [one.exactStream(shape), other.exactStream(shape)]
  for (const stream of [here, there]) stream.push(block)
  expect(other.openStream(here.toBytes()).toBytes()).toEqual(there.toBytes())
  here.merge(there)
  expect(here.tokens).toBe(600)
})

it('what works in the memory of the other says that there are two', async () => {
  const [one, other] = await copies()
  const stream = one.featureStream({ features: other.taylorFeatures({ d: 8, degree: 2, scale: 0.3 }), dv: 8 })
  expect(() => {
    stream.push(block)
    stream.attend(queries)
  }).toThrow('two copies of @sublinear/kernels are loaded')
})
