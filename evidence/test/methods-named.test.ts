// Methods of the catalogue by name, for questions. Kills: a method made beside the catalogue, a name that is let through, a stream taken for a tier.
import { farClosure, matrix, tiers, type AttentionStream } from '@sublinear/attention'
import { expect, test } from 'vitest'
import { methodsNamed, streamOf, tierOf } from '../kit/methods-named.ts'

const shape = { d: 2, dv: 2, scale: 1 }
const block = {
  keys: matrix(
    40,
    2,
    Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)),
  ),
  values: matrix(40, 2),
}
const given = <S extends AttentionStream>(stream: S) => {
  stream.push(block)
  return stream
}

test('a name and options are the stream that the package makes of them, and tiers of parts the same', () => {
  const named = given(streamOf('farClosure', { count: 4, buffer: 8 })(shape))
  expect(named.toBytes()).toEqual(given(farClosure({ ...shape, count: 4, buffer: 8 })).toBytes())
  const parts = [tierOf('farKeys', { count: 4 }), streamOf('closure')] as const
  expect(given(tiers({ ...shape, parts, buffer: 8, name: 'farClosure' })).toBytes()).toEqual(named.toBytes())
})

test('names that the catalogue lacks, and methods that are no tier, are refused', () => {
  expect(methodsNamed('window', 'h2o').map(({ name }) => name)).toEqual(['window', 'h2o'])
  expect(() => streamOf('windows')(shape)).toThrow('the catalogue has no method called windows')
  expect(() => tierOf('closure', {})).toThrow('closure is no tier')
})
