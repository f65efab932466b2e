// Far keys in very few bits keep the same tokens, and let the same go, however their tokens come. Rounding can bring the token that took a place nearer than
// all that were held, so that the next one has a chance which it had not before. Kills: rows judged by the least distance before a block alone (seeds 5 and 8 among 40).
import { matrix, type KvBlock } from '@sublinear/core'
import { quantised } from '@sublinear/token-store'
import { expect, test } from 'vitest'
import { farKeys } from '../src'

const [d, dv, n] = [4, 2, 200]

function tokens(seed: number): KvBlock {
  let state = seed
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) / 2 ** 23 - 1
  }
  const rows = (width: number) => matrix(n, width, Float32Array.from({ length: n * width }, noise))
  return { keys: rows(d), values: rows(dv) }
}

const part = ({ keys, values }: KvBlock, from: number, to: number): KvBlock => ({
  keys: matrix(to - from, d, keys.data.slice(from * d, to * d)),
  values: matrix(to - from, dv, values.data.slice(from * dv, to * dv)),
})

function run(seed: number, size: number) {
  const tier = farKeys({ count: 12, store: quantised({ keyBits: 2, valueBits: 2 }) })({ d, dv, scale: 1 })
  const all = tokens(seed)
  const left: number[] = []
  for (let from = 0; from < n; from += size) {
    const block = tier.admit(part(all, from, Math.min(n, from + size)))
    if (block) left.push(...block.keys.data, ...block.values.data.map((x) => x + 100))
  }
  const { keys, values } = tier.read()
  return { kept: [...keys.data, ...values.data], left: left.toSorted((a, b) => a - b) }
}

test.each([2, 7, 64, 200])('in blocks of %i as one by one', (size) => {
  for (let seed = 1; seed <= 40; seed++) expect(run(seed, size), `seed ${seed}`).toEqual(run(seed, 1))
})
