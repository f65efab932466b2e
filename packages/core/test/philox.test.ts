// The published answers of Philox4x32-10, and the generator again with BigInt products. Kills: another round count, the key added
// before the first round's product, swapped words, a high product that loses a carry, signed words in the counter.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { philox, seedWords } from '../src'

const words = (...of: [number, number, ...number[]]) => {
  const out = new Uint32Array(4)
  philox(out, of[4], of[5], of[0], of[1], of[2], of[3])
  return [...out].map((word) => word.toString(16).padStart(8, '0')).join(' ')
}

/** Salmon et al., section 3.3, with 64-bit integers. */
function oracle(counter: number[], key: number[]): number[] {
  const mask = 0xffffffffn
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint]
  let [k0, k1] = key.map(BigInt) as [bigint, bigint]
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0
    const p1 = 0xcd9e8d57n * c2
    ;[c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask]
    k0 = (k0 + 0x9e3779b9n) & mask
    k1 = (k1 + 0xbb67ae85n) & mask
  }
  return [c0, c1, c2, c3].map(Number)
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
)

describe('philox', () => {
  it('gives the published known answers', () => {
    expect(words(0, 0, 0, 0, 0, 0)).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8')
    const ones = 0xffffffff
    expect(words(ones, ones, ones, ones, ones, ones)).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd')
    expect(words(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0)).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    )
  })

  test.prop([fc.tuple(word, word, word, word), fc.tuple(word, word)], { seed: 1, numRuns: 300 })(
    'agrees with 64-bit products',
    (counter, key) => {
      const out = new Uint32Array(4)
      philox(out, key[0], key[1], ...counter)
      expect([...out]).toEqual(oracle(counter, key))
    },
  )

  it('takes words as signed or unsigned numbers alike', () => {
    expect(words(-1, -1, -1, -1, -1, -1)).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd')
  })
})

test.prop([fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })], { seed: 1 })(
  'seedWords splits a seed, lowest first',
  (seed) => {
    const [low, high] = seedWords(seed)
    expect((BigInt(high) << 32n) + BigInt(low)).toBe(seed)
  },
)
