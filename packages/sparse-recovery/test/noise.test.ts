// Noise of the counters by itself, quickly; bounds.test.ts has the intervals over many seeds. Against enumerations, and against the extreme distribution of Cantelli's inequality. Kills: a root
// of the wrong mean, digits that fill buckets evenly, a bound for another share of δ, a share that cannot be used and is, counters of entries that are not taken out.
import { describe, expect, it } from 'vitest'
import { energyTrees } from '../src/energy-trees'
import { meeting, medianReach, normOf, normVariance, radiusOf, restDeviation } from '../src/noise'
import { recoveryLayout, type RecoveryLayout } from '../src/recovery-rows'

const layout = recoveryLayout('test', { n: 2 ** 20, k: 8, epsilon: 0.5 })
/** A layout with counters so many that entries hardly meet: the variance of the norm is small. */
const wide: RecoveryLayout = {
  ...recoveryLayout('test', { n: 2 ** 32, k: 2 ** 14, epsilon: 0.5 }),
  width: 2 ** 20,
  nodes: [2 ** 26],
  nonzeros: 11,
}

it.each([1, 3, 64, 1000, 65_537])('two digits of 20 bits meet in %i buckets as often as all pairs say', (width) => {
  const sizes = new Float64Array(width)
  for (let digit = 0; digit < 2 ** 20; digit++) sizes[Math.floor((digit * width) / 2 ** 20)]++
  expect(meeting(width)).toBeCloseTo(
    sizes.reduce((sum, size) => sum + (size / 2 ** 20) ** 2, 0),
    14,
  )
})

describe('the norm', () => {
  it.each([1, 3e-200, 2 ** 900])('of one entry is its magnitude, at %d', (size) => {
    const measured = new Float64Array(500)
    for (let e = 0; e < 7; e++) measured[31 * e] = e % 2 === 0 ? size : -size
    expect(normOf({ nonzeros: 7 }, measured) / size).toBeCloseTo(1, 12)
    measured[400] = 4 * size
    measured[401] = 3 * size // 5² more in seven rows
    expect(normOf({ nonzeros: 7 }, measured) / size).toBeCloseTo(Math.sqrt(1 + 25 / 7), 12)
  })

  it('of nothing is 0', () => {
    expect(normOf({ nonzeros: 7 }, new Float64Array(500))).toBe(0)
    expect(radiusOf(layout, new Float64Array(layout.m), 0.01)).toBe(0)
  })

  it('has a variance of the rows that are sure to meet: with one node and one counter, of all of them', () => {
    const one = { ...layout, width: 1, nodes: [1, 1], nonzeros: 17 }
    // each row's sum has variance 2 of ‖x‖⁴; 17 of them, of which none is independent in name: 2·17/17²
    expect(normVariance(one)).toBeCloseTo(2 / 17, 12)
    expect(normVariance({ ...wide, nodes: [] })).toBeCloseTo((2 * 5 * meeting(2 ** 20)) / 121, 16)
    const few = { ...wide, nodes: [1024], columns: 2 ** 16, lines: 2 ** 16 }
    expect(normVariance(few) - normVariance({ ...wide, nodes: [] })).toBeCloseTo((2 * 6 * 2 ** -10) / 121, 7)
  })
})

it('a median of five reaches as far as pairs of rows, or single ones, allow', () => {
  for (const delta of [0.9, 0.5, 0.1, 0.01, 1e-6]) {
    const t = medianReach(delta)
    const chances = [10 / 3 / t ** 4, 5 / 3 / t ** 2]
    expect(Math.min(...chances) / delta).toBeCloseTo(1, 10)
    expect(medianReach(delta / 2)).toBeGreaterThan(t)
  }
})

describe('the radius', () => {
  const measured = new Float64Array(wide.m)
  measured[5] = 3
  const deviation = normOf(wide, measured) * Math.sqrt(meeting(wide.width))
  const variance = normVariance(wide)
  /** The η at which the law that Cantelli's inequality is sharp for, 1 − η with this chance and one larger number else, of mean 1, has the variance of the norm. */
  const short = (chance: number) => {
    let [low, high] = [0, 1e9]
    for (let i = 0; i < 200; i++) {
      const eta = (low + high) / 2
      const other = 1 + (eta * chance) / (1 - chance)
      if (chance * eta ** 2 + (1 - chance) * (other - 1) ** 2 < variance) low = eta
      else high = eta
    }
    return low
  }
  /** Below this δ, short is 1 and more. */
  const border = (share: number) => variance / (1 + variance) / share
  const SHARES = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7]
  const radii = (delta: number) =>
    SHARES.map((share) => {
      const eta = short(share * delta)
      return eta < 1 ? (medianReach(delta - share * delta) * deviation) / Math.sqrt(1 - eta) : Infinity
    })

  it.each([0.3, 0.1, 0.01, 1e-3, 1e-4])('at δ = %d is the least that a split of δ allows', (delta) => {
    const least = Math.min(...radii(delta))
    if (least === Infinity) return expect(radiusOf(wide, measured, delta)).toBe(Infinity)
    expect(radiusOf(wide, measured, delta) / least).toBeCloseTo(1, 8)
  })

  it('is that of the only split that bounds the norm, where there is one, and of none where there is none', () => {
    const delta = Math.sqrt(border(0.5) * border(0.7))
    const usable = radii(delta).map((one) => one < Infinity)
    expect(usable).toEqual([false, false, false, false, false, false, true])
    expect(radiusOf(wide, measured, delta) / radii(delta)[6]).toBeCloseTo(1, 6)
    expect(radiusOf(wide, measured, 0.99 * border(0.7))).toBe(Infinity)
  })
})

it('the deviation of a row is that of what the known entries leave, over the counters that a fit did not use up', () => {
  const trees = energyTrees(layout, 3n)
  const { m, nonzeros, width } = layout
  const keys = Float64Array.of(7, 70_001, 999_999)
  const [rows, signs] = [new Uint32Array(3 * nonzeros), new Float32Array(3 * nonzeros)]
  trees.entries(keys, rows, signs)
  const values = [2, -5, 11]
  const measured = new Float64Array(m)
  for (let at = 0; at < rows.length; at++) measured[rows[at]] += signs[at] * values[Math.floor(at / nonzeros)]
  const rest = (...known: number[]) =>
    restDeviation(
      trees,
      measured,
      Float64Array.from(known, (c) => keys[c]),
      Float64Array.from(known, (c) => values[c]),
    )
  expect(rest(0, 1, 2)).toBe(0)
  expect(rest(2, 0)).toBeCloseTo(Math.sqrt((5 * 25) / (5 * width - 2)), 12)
  expect(rest(1, 2)).toBeCloseTo(Math.sqrt((5 * 4) / (5 * width - 2)), 12)
})
