// The experiments on the one-pass paper's open questions against their committed results. Kills: results that this code did not write, an error that
// grows with n at fixed memory.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { measured as sparsity, type Sparsity } from '../src/column-sparsity.ts'
import { measured as lengths, type Length } from '../src/context-length.ts'
import { measured as lowRank, type LowRank } from '../src/low-rank.ts'
import { scaling } from '../src/scaling.ts'
import { CELLS, measured as sensitivity, type Sensitivity } from '../src/sensitivity.ts'

const read = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../results/${name}.json`, import.meta.url), 'utf8')) as T[]

test('at fixed memory the error does not grow from 10^4 to 10^7 tokens', () => {
  const all = read<Length>('context-length')
  for (const method of new Set(all.map((one) => one.method))) {
    const own = all.filter((one) => one.method === method)
    expect(own.map(({ n }) => n)).toEqual([1e4, 1e5, 1e6, 1e7])
    expect(new Set(own.map(({ bytes }) => bytes)).size).toBe(1)
    const errors = own.map(({ error }) => error)
    expect(Math.max(...errors) / Math.min(...errors)).toBeLessThan(1.08)
  }
  for (const { method, error, bytes } of lengths(1e4)) {
    const kept = all.find((one) => one.n === 1e4 && one.method === method)!
    expect(error / kept.error).toBeCloseTo(1, 2)
    expect(bytes / kept.bytes).toBeCloseTo(1, 3)
  }
})

test('U₁U₂ᵀ is never nearer than the best matrix of its rank', () => {
  const all = read<LowRank>('low-rank')
  for (const [i, one] of lowRank().entries()) {
    expect(one.features).toBeGreaterThanOrEqual(one.best)
    expect(one.features / all[i]!.features).toBeCloseTo(1, 2)
  }
})

test('columns of real heads are about as sparse as Gaussian ones', () => {
  const all = read<Sparsity>('column-sparsity')
  const again = sparsity()
  for (const [i, { tails }] of all.entries()) {
    for (const [j, tail] of tails.entries()) expect(again[i]!.tails[j]).toBeCloseTo(tail, 3)
  }
  // Of n independent normal numbers the tail beyond a share p of the largest has √(1 − 2(zφ(z) + p/2)), Φ(−z) = p/2: 0.9384, 0.8218, 0.5257.
  const gaussian = all.at(-1)!.tails
  for (const [i, closed] of [0.9384, 0.8218, 0.5257].entries()) expect(gaussian[i]).toBeCloseTo(closed, 2)
})

test('Algorithm 1 gets better with m₂, and with k up to the 64 entries that there are', () => {
  const all = read<Sensitivity>('sensitivity')
  expect(all).toHaveLength(CELLS.length)
  const errors = (belongs: (one: Sensitivity) => boolean) => all.filter(belongs).map(({ error }) => error)
  const byM2 = errors(({ k, epsilon1 }) => k === 64 && epsilon1 === 0.5)
  expect(byM2).toEqual(byM2.toSorted((a, b) => b - a))
  const byK = errors(({ k, m2, epsilon1 }) => k < 64 && m2 === 1024 && epsilon1 === 0.5)
  expect(byK).toEqual(byK.toSorted((a, b) => b - a))
  const [again] = sensitivity([[0.5, 8, 1024]])
  const kept = all.find(({ k }) => k === 8)!
  expect(again!.error / kept.error).toBeCloseTo(1, 2)
})

test('sizes of large models are what the packages say', () => {
  expect(JSON.parse(JSON.stringify(scaling()))).toEqual(read('scaling'))
})
