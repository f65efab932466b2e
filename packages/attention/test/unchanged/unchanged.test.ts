// Every stream answers, holds and keeps what it did before the catalogue: digests taken at the commit before it, compared bit for bit.
// Kills: another order of sums, another size for the same bytes, a token more or less, an eviction at another place of the stream.
import { describe, expect, test } from 'vitest'
import { digest, tokens } from './digest'
import { SHAPE, streams } from './streams'

const plain = tokens({ n: 1500, ...SHAPE })
const grouped = tokens({ n: 700, ...SHAPE, groups: 3 })
const weighted = tokens({ n: 700, ...SHAPE, weighted: true })

describe.each(Object.keys(streams))('%s', (name) => {
  const make = streams[name]

  test('pushed in blocks of 64', () => expect(digest(make, plain, [64], 'push')).toMatchSnapshot())
  test('stepped in odd pieces', () => expect(digest(make, plain, [1, 7, 130, 2], 'step')).toMatchSnapshot())
  test('stepped by groups of queries', () => expect(digest(make, grouped, [50], 'step')).toMatchSnapshot())
  if (!name.startsWith('auto') || name === 'auto, 1/4')
    test('pushed with weights', () => expect(digest(make, weighted, [64, 3], 'push')).toMatchSnapshot())
})
