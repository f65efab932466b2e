// Trials of the statements against laws that are known without them: a variance, χ², the share of scores at which a polynomial is too far off, the least error that k entries can have.
// Bands hold both ways, with false alarms below 10⁻⁶. Kills (tried): one row less in ten of a Gaussian matrix, a degree off by one, a tail without k + 1 entries, kept tokens
// with weight 1.
// Misses, by exact binomials with the law of χ²: a tenth of the rows missing 4e-4, by 20,000 trials with 104 rows (4000 trials, as of the other shares, would miss it with 0.86); a fifth below 1e-9.
import { chance, leastFailures, mostFailures } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { count, settingsOf, statementOf, statements } from '../src/index.ts'
import { trials } from '../src/trials/index.ts'
import { SCALE, tokensOf } from '../src/trials/halving.ts'
import { vectors } from '../src/trials/products.ts'

const ALARM = 1e-6

/** Counts the trials of a statement under settings that differ from the usual ones. */
function counted(name: string, wanted: Readonly<Record<string, number>> = {}, some?: number) {
  const statement = statementOf(name)!
  return count(trials[name](settingsOf(statement, wanted)), 1, some ?? statement.trials)
}
const meanSquare = (errors: readonly number[]) => errors.reduce((sum, x) => sum + x * x, 0) / errors.length

/** Expects as many failures as a law says, both ways. */
function expectLaw({ failures, trials: made }: { readonly failures: number; readonly trials: number }, law: number) {
  expect(failures).toBeGreaterThanOrEqual(leastFailures(made, law, ALARM))
  expect(failures).toBeLessThanOrEqual(mostFailures(made, law, ALARM))
}

test('every statement has trials, and keeps what it allows at its usual settings', () => {
  expect(statements.map(({ name }) => name).toSorted()).toEqual(Object.keys(trials).toSorted())
  for (const { name, allowed, trials: all } of statements) {
    const { failures, errors } = counted(name)
    expect(failures, name).toBeLessThanOrEqual(allowed === 0 ? 0 : mostFailures(all, allowed, ALARM))
    expect(new Set(errors).size, name).toBeGreaterThan(all / 2)
  }
})

describe('products of sketches', () => {
  test.each([0, 45, 90])('of random signs have the variance of Lemma 3.5, at %i degrees', (angle) => {
    const [u, v] = vectors((angle * Math.PI) / 180)
    const product = u.reduce((sum, x, i) => sum + x * v[i], 0)
    expect(product).toBeCloseTo(Math.cos((angle * Math.PI) / 180), 12)
    const fourth = u.reduce((sum, x, i) => sum + (x * v[i]) ** 2, 0)
    const m = 60 // 12 % of 500
    const law = (1 + product ** 2 - 2 * fourth) / m
    const { errors, facts } = counted('ams-products', { rows: 0.12, angle }, 4000)
    expect(facts).toBe('60 rows')
    expect(meanSquare(errors) * 0.2 ** 2).toBeGreaterThan(law * 0.85)
    expect(meanSquare(errors) * 0.2 ** 2).toBeLessThan(law * 1.15)
  })

  test.each([0.1, 0.3, 1])('of Gaussian entries fail as χ² says where u = v, with the share %d of the rows', (rows) => {
    const m = Math.round((rows * 346) / 1)
    const found = counted('gaussian-products', { rows }, rows === 0.3 ? 20_000 : 4000)
    expect(found.facts).toBe(`${m} rows`)
    expectLaw(found, outside(m, 0.2))
  })
})

/** P[|χ²_m/m − 1| > ε], by Simpson's rule over the density. */
function outside(m: number, epsilon: number): number {
  let logGamma = m % 2 ? Math.log(Math.PI) / 2 : 0
  for (let j = m / 2 - 1; j > 0; j--) logGamma += Math.log(j)
  const density = (x: number) =>
    x <= 0 ? 0 : Math.exp((m / 2 - 1) * Math.log(x) - x / 2 - (m / 2) * Math.log(2) - logGamma)
  const [from, to, steps] = [m * (1 - epsilon), m * (1 + epsilon), 2000]
  let sum = density(from) + density(to)
  for (let i = 1; i < steps; i++) sum += (i % 2 ? 4 : 2) * density(from + ((to - from) * i) / steps)
  return 1 - (sum * (to - from)) / (3 * steps)
}

/** The Taylor polynomial over exp. */
function factor(score: number, degree: number): number {
  let [term, sum] = [1, 1]
  for (let j = 1; j <= degree; j++) sum += term *= score / j
  return sum * Math.exp(-score)
}

describe('features', () => {
  test.each([
    [1, 1, 5, 0],
    [1, 1, 5, 1],
    [2, 1, 8, 1],
    [2, 1, 8, 2],
    [4, 0, 14, 3],
  ])('fail at R = %i where scores are too far off (ε number %i, degree %i − %i)', (radius, error, needed, less) => {
    const [epsilon, grid] = [[0.1, 0.01, 0.001][error], 20_000]
    let far = 0
    for (let i = 0; i < grid; i++)
      if (Math.abs(factor(radius * ((2 * i + 1) / grid - 1), needed - less) - 1) > epsilon) far++
    const found = counted('feature-degree', { radius, error, less })
    expect(found.facts).toContain(`degree ${needed - less}`)
    if (less === 0) expect([far, found.failures]).toEqual([0, 0])
    else expectLaw(found, far / grid)
  })

  test('answer within the bound, and a claim is a share of it', () => {
    const whole = counted('feature-answers')
    const share = counted('feature-answers', { claim: 0.1 })
    for (const [i, error] of whole.errors.entries()) expect(share.errors[i] * 0.1).toBeCloseTo(error, 12)
    expect(share.failures).toBe(whole.errors.filter((error) => error > 0.1).length)
    expect(share.failures).toBeGreaterThan(0)
    // Two tokens at the worst scores would reach the bound; 64 random ones come to some share of it.
    const largest = Math.max(...whole.errors)
    expect(largest).toBeGreaterThan(0.05)
    expect(largest).toBeLessThan(1)
  })
})

test('no k entries are nearer than the norm without the k largest, and the decoder is within 1 + ε of it', () => {
  const least = counted('recovery', { claim: 0 }, 40)
  expect(least.errors.every((error) => error >= 1)).toBe(true)
  const claimed = counted('recovery', {}, 40)
  expect(claimed.failures).toBe(0)
  for (const [i, error] of claimed.errors.entries()) expect(error * 1.5).toBeCloseTo(least.errors[i], 10)
  for (const k of [2, 8]) expect(counted('recovery', { k, input: 1 }, 20).failures).toBe(0)
  // Of 1/rank the best seeds come near the least error, so that its unit is the norm without k entries, and not without k + 1.
  const ranks = counted('recovery', { k: 2, input: 1, claim: 0 }, 40).errors
  expect(Math.min(...ranks)).toBeGreaterThanOrEqual(1)
  expect(Math.min(...ranks)).toBeLessThan(1.1)
})

/** The tokens of a query's sum, and the bound of Theorem 3.3, written out again. */
const bound = (norm: number) => {
  const { block, query } = tokensOf(norm)
  const rows = Array.from({ length: 64 }, (_, i) => ({
    key: block.keys.data.subarray(4 * i, 4 * i + 4),
    value: block.values.data.subarray(3 * i, 3 * i + 3),
  }))
  const terms = rows.map(({ key, value }) => {
    const weight = Math.exp(SCALE * key.reduce((sum, x, c) => sum + x * query[c], 0))
    return Array.from(value, (x) => weight * x)
  })
  const longest = Math.max(
    ...rows.map(({ key, value }) => Math.exp((SCALE * Math.hypot(...key) ** 2) / 2) * Math.hypot(...value)),
  )
  const most = Math.sqrt(3) * 30 * Math.log(640) * Math.exp((SCALE * Math.hypot(...query) ** 2) / 2) * longest
  return { terms, most }
}

describe('halvings', () => {
  test('one of each two, by a coin, moves a sum as far as the differences say', () => {
    const { terms, most } = bound(1)
    let law = 0
    for (let i = 0; i < 64; i += 2) for (const c of [0, 1, 2]) law += (terms[i][c] - terms[i + 1][c]) ** 2
    const square = meanSquare(counted('halving', { walk: 3 }, 2000).errors) * most ** 2
    expect(square).toBeGreaterThan(law * 0.8)
    expect(square).toBeLessThan(law * 1.2)
  })

  test('balanced ones move it less, and the walk of the theory is a fair coin', () => {
    const [theory, greedy, pairs, uniform] = [0, 1, 2, 3].map((walk) => meanSquare(counted('halving', { walk }).errors))
    expect(greedy).toBeLessThan(0.35 * uniform)
    expect(pairs).toBeLessThan(0.35 * uniform)
    expect(theory).toBeGreaterThan(0.6 * uniform)
  })

  test('a hundredth of the bound is too little for the walk of the theory, and enough for greedy', () => {
    expect(counted('halving', { claim: 0.01, walk: 0 }).failures).toBeGreaterThan(mostFailures(400, 0.001, ALARM))
    expect(counted('halving', { claim: 0.01, walk: 1 }).failures).toBe(0)
  })
})

test('the reference law of χ² is right', () => {
  expect(outside(2, 0.5)).toBeCloseTo(1 - Math.exp(-0.5) + Math.exp(-1.5), 9) // χ²₂/2 is exponential
  expect(chance(4, 0.5, 2)).toBeCloseTo(0.375, 12)
})
