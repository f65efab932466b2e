// Spreads add up whatever units they stand in. Kills: a unit of another power, a level that falls, the lower of two rows scaled, a row added at another place, flags that are overwritten.
import { describe, expect, it } from 'vitest'
import { addSpread, emptySpread, rowsOfSpread, type Spread } from '../src'
import { raiseSpread } from '../src/spread'

/** Powers of e^{level} in which the sums stand, from the documentation of Spread. */
const POWERS = {
  squares: 2,
  products: 2,
  weights: 2,
  skewed: 2,
  sampleSquares: 2,
  sampleProducts: 2,
  sampleWeights: 2,
  fourths: 4,
  sampleFourths: 4,
  gaps: 1,
  gapMass: 1,
} as const
const names = Object.keys(POWERS) as (keyof typeof POWERS)[]

/** A spread of rows at these levels whose sums, without units, are the given multiple of entry + 1. */
function spread(levels: readonly number[], times: number): Spread {
  const made = emptySpread(levels.length, 2)
  made.level.set(levels)
  for (const [r, level] of levels.entries())
    for (const name of names) {
      const width = made[name].length / levels.length
      for (let i = r * width; i < (r + 1) * width; i++)
        made[name][i] = level === -Infinity ? 0 : times * (i + 1) * Math.exp(-POWERS[name] * level)
    }
  return made
}

/** The sums of a row without units. */
const absolute = (of: Spread, row: number) =>
  names.flatMap((name) => {
    const width = of[name].length / of.level.length
    return [...of[name].subarray(row * width, (row + 1) * width)].map((x) => x * Math.exp(POWERS[name] * of.level[row]))
  })
const close = (got: readonly number[], wanted: readonly number[]) => {
  expect(got.length).toBe(wanted.length)
  for (const [i, x] of wanted.entries()) expect(got[i]).toBeCloseTo(x, 8)
}

describe('adding', () => {
  it('is that of the sums, row by row, into the higher level', () => {
    const into = spread([0, 2, -Infinity, 1, -Infinity], 1)
    const before = [0, 1, 2, 3, 4].map((r) => absolute(into, r).map((x) => (Number.isNaN(x) ? 0 : x)))
    const other = spread([3, -1, 0.5, -Infinity, -Infinity], 10)
    addSpread(into, other)
    expect([...into.level]).toEqual([3, 2, 0.5, 1, -Infinity])
    for (const r of [0, 1, 2])
      close(
        absolute(into, r),
        before[r].map((x, i) => x + absolute(other, r)[i]),
      )
    close(absolute(into, 3), before[3])
    for (const name of names) expect(into[name].every(Number.isFinite)).toBe(true)
  })

  it('puts rows where they are asked to stand, flags with them, and leaves the others', () => {
    const into = spread([0, 0, 0, 0], 1)
    const kept = [0, 3].map((r) => absolute(into, r))
    const other = spread([1, -Infinity], 10)
    other.flags.set([1, 0])
    other.measured.set([0, 1])
    into.flags[2] = 1
    addSpread(into, other, 1)
    expect([...into.flags]).toEqual([0, 1, 1, 0])
    expect([...into.measured]).toEqual([0, 0, 1, 0])
    expect([...into.level]).toEqual([0, 1, 0, 0])
    for (const [i, r] of [0, 3].entries()) close(absolute(into, r), kept[i])
    const own = absolute(spread([0, 0, 0, 0], 1), 1)
    close(
      absolute(into, 1),
      own.map((x, i) => x + absolute(other, 0)[i]),
    )
  })

  it('to a level: a lower one changes nothing, a higher one only units', () => {
    const one = spread([1, 2], 1)
    const kept = [0, 1].map((r) => absolute(one, r))
    raiseSpread(one, 0, 0.5)
    raiseSpread(one, 0, 1)
    expect(one).toEqual(spread([1, 2], 1))
    raiseSpread(one, 0, 1.75)
    expect([...one.level]).toEqual([1.75, 2])
    for (const r of [0, 1]) close(absolute(one, r), kept[r])
  })
})

it('rows of a spread lie in its memory', () => {
  const whole = spread([0, 1, 2, 3], 1)
  const part = rowsOfSpread(whole, 1, 3)
  expect(part).toEqual(
    Object.fromEntries(
      Object.entries(whole).map(([name, all]: [string, Float64Array]) => {
        const width = all.length / 4
        return [name, all.slice(width, 3 * width)]
      }),
    ),
  )
  part.squares[0] = 77
  expect(whole.squares[2]).toBe(77)
  expect(rowsOfSpread(emptySpread(0, 2), 0, 0)).toEqual(emptySpread(0, 2))
})
