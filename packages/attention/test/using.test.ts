// What opens and what methods make can be given back by `using`, and TypeScript knows it: this file does not compile otherwise.
// Kills: a stream of the catalogue without its dispose, a type that hides it.
import { matrix } from '@sublinear/core'
import { expect, test } from 'vitest'
import { catalogue, exactStream, layer, open, openStream } from '../src'

const shape = { d: 2, dv: 2, scale: 1 }
const rows = matrix(1, 2, Float32Array.of(1, 2))

test('a stream that opens is gone at the end of its block', () => {
  const bytes = exactStream(shape).toBytes()
  let kept
  {
    using stream = openStream(bytes)
    stream.push({ keys: rows, values: rows })
    kept = stream
  }
  expect(() => kept.push({ keys: rows, values: rows })).toThrow('disposed')
})

test('so is a layer', () => {
  const bytes = layer({ queryHeads: 1, kvHeads: 1, make: () => exactStream(shape) }).toBytes()
  let kept
  {
    using heads = open(bytes)
    heads.push({ keys: rows, values: rows })
    kept = heads
  }
  expect(() => kept.push({ keys: rows, values: rows })).toThrow('disposed')
})

test.each(catalogue.filter(({ learns }) => learns !== 'pilot').map((method) => [method.name, method] as const))(
  '%s: so is what its record makes',
  (_, method) => {
    const options = method.usual ?? method.within(shape, 100_000, { tokens: 1000 })
    let kept
    {
      using stream = method.make(shape, options!)
      kept = stream
    }
    expect(() => kept.push({ keys: rows, values: rows })).toThrow('disposed')
  },
)
