// Error bars of spreads that were made by hand, against sums over the tokens themselves, Student's width and the normal distribution. Kills: a square that is not centred
// at the answer, units of the mass for those of the spread, a flag at a bound or without a cause, an entry of a row that has no spread, terms of a sample that
// are not counted, a gap of the wrong sign or over the wrong mass, an interval that holds less than it says.
import { emptyPartial, emptySpread, matrix, type PartialSoftmax, type Spread } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { errorBars } from '../src'

interface Estimate {
  readonly weight: number
  /** Variance of the weight, as a multiple of its square. */
  readonly x: number
  readonly values: readonly number[]
  /** Variance of the values. */
  readonly noise: number
}

/** A row of a partial whose spread stands in units of e^{level}, and the sums over its tokens. */
function rowOf(tokens: readonly Estimate[], max: number, level: number) {
  const cols = tokens[0].values.length
  const sum = (of: (token: Estimate) => number) => tokens.reduce((total, token) => total + of(token), 0)
  const [unit, square] = [Math.exp(-max), Math.exp(-2 * level)]
  const columns = Array.from({ length: cols }, (_, c) => c)
  const partial: PartialSoftmax = {
    max: Float32Array.of(max),
    mass: Float64Array.of(unit * sum(({ weight }) => weight)),
    sum: matrix(
      1,
      cols,
      Float32Array.from(columns, (c) => unit * sum(({ weight, values }) => weight * values[c])),
    ),
    spread: {
      ...emptySpread(1, cols),
      level: Float64Array.of(level),
      squares: Float64Array.from(
        columns,
        (c) => square * sum(({ weight, x, values, noise }) => weight ** 2 * (x * values[c] ** 2 + noise)),
      ),
      products: Float64Array.from(columns, (c) => square * sum(({ weight, x, values }) => weight ** 2 * x * values[c])),
      weights: Float64Array.of(square * sum(({ weight, x }) => weight ** 2 * x)),
    },
  }
  return { partial, sum }
}

/** Rows under each other. */
function stacked(rows: readonly PartialSoftmax[]): PartialSoftmax {
  const { cols } = rows[0].sum
  const spreads = rows.map(({ spread }) => spread!)
  const spread = Object.fromEntries(
    Object.entries(spreads[0]).map(([name, first]: [string, Float64Array | Uint8Array]) => {
      const all = spreads.flatMap((one) => [...(one[name as keyof Spread] as Float64Array)])
      return [name, first instanceof Uint8Array ? Uint8Array.from(all) : Float64Array.from(all)]
    }),
  ) as unknown as Spread
  return {
    max: Float32Array.from(rows, ({ max }) => max[0]),
    mass: Float64Array.from(rows, ({ mass }) => mass[0]),
    sum: matrix(rows.length, cols, Float32Array.from(rows.flatMap(({ sum }) => [...sum.data]))),
    spread,
  }
}

const tokensOf = (seed: number, count = 40, cols = 3): Estimate[] =>
  Array.from({ length: count }, (_, i) => ({
    weight: 1 + random(1, 1, seed + i).data[0] / 2,
    x: 0.01 * (1 + (i % 3)),
    values: [...random(1, cols, seed + 1000 + i, 5).data],
    noise: 0.003 * (i % 4),
  }))

const changed = (partial: PartialSoftmax, change: Partial<Spread>): PartialSoftmax => ({
  ...partial,
  spread: { ...partial.spread!, ...change },
})
/** A row of 8 equal values and mass 1, whose spread has these sums. */
const plain = (change: Partial<Spread>): PartialSoftmax =>
  changed(
    {
      max: Float32Array.of(0),
      mass: Float64Array.of(1),
      sum: matrix(1, 8, new Float32Array(8).fill(2)),
      spread: { ...emptySpread(1, 8), level: Float64Array.of(0) },
    },
    change,
  )
const bars = (partial: PartialSoftmax) => {
  const { error, flagged, measured } = errorBars(partial)
  return { error: [...error.data], flagged: [...flagged], measured: [...measured] }
}

describe('a standard error', () => {
  it.each([
    [0, 0],
    [3, 3.5],
    [-30, -33],
  ])('is that of the tokens, centred at the answer: maximum %d, level %d', (max, level) => {
    for (let seed = 1; seed < 20; seed++) {
      const tokens = tokensOf(100 * seed)
      const { partial, sum } = rowOf(tokens, max, level)
      const total = sum(({ weight }) => weight)
      for (const [c, error] of bars(partial).error.entries()) {
        const answer = sum(({ weight, values }) => weight * values[c]) / total
        const square = sum(({ weight, x, values, noise }) => weight ** 2 * (x * (values[c] - answer) ** 2 + noise))
        expect(error / (Math.sqrt(square) / total)).toBeCloseTo(1, 4)
      }
    }
  })

  it('is 0 where nothing is estimated or nothing was seen, in a row between others', () => {
    const own = rowOf(tokensOf(7), 1, 2).partial
    const exact = { ...own, spread: emptySpread(1, 3) }
    const none = { ...emptyPartial(1, 3), spread: { ...emptySpread(1, 3), level: Float64Array.of(2) } }
    const all = errorBars(stacked([own, exact, own, none, own]))
    const alone = errorBars(own).error.data
    expect([...all.error.data]).toEqual([...alone, 0, 0, 0, ...alone, 0, 0, 0, ...alone])
    expect([...all.flagged]).toEqual([0, 0, 0, 0, 0])
  })

  it('is never of a negative square: values that are all the same have none', () => {
    const alike = tokensOf(3).map((token) => ({ ...token, values: [0.1, 0.1, 0.1], noise: 0 }))
    for (const error of bars(rowOf(alike, 0, 0).partial).error) expect(error).toBeLessThan(1e-4)
  })

  it('of a sample is as much wider as the deviation of Student is, from terms as Satterthwaite counts them', () => {
    const weights = Float64Array.of(1e-4)
    const squares = new Float64Array(8).fill(1e-4 * 4 + 1)
    const products = new Float64Array(8).fill(2e-4)
    const width = (terms: number) =>
      bars(plain({ weights, squares, products, fourths: Float64Array.of(1e-8 / terms) })).error[0]
    const normal = bars(plain({ weights, squares, products })).error[0]
    expect(normal).toBeCloseTo(1, 5)
    for (const terms of [4.5, 5, 10, 100]) expect(width(terms) / normal).toBeCloseTo(Math.sqrt(terms / (terms - 2)), 5)
    expect(width(4) / normal).toBeCloseTo(Math.SQRT2, 5) // fewer are flagged, and no wider
    expect(width(2) / normal).toBeCloseTo(Math.SQRT2, 5)
  })
})

const flagOf = (change: Partial<Spread>) => bars(plain(change)).flagged[0]

describe('a flag', () => {
  it('stands where the terms are below 4, and not at 4', () => {
    const weights = Float64Array.of(2 ** -10)
    const of = (terms: number) => flagOf({ weights, fourths: Float64Array.of(2 ** -20 / terms) })
    expect([of(3.99), of(4), of(4.01)]).toEqual([1, 0, 0])
  })

  it('stands where the variance of the mass is above 1/32 of its square, and not at it', () => {
    const flags = [1 / 32, 1 / 31.9].map((share) => flagOf({ weights: Float64Array.of(share) }))
    expect(flags).toEqual([0, 1])
  })

  it('stands where errors are skew, or a part of the answer has no interval', () => {
    expect([flagOf({ skewed: Float64Array.of(1e-9) }), flagOf({ skewed: Float64Array.of(-1) }), flagOf({})]).toEqual([
      1, 0, 0,
    ])
    expect(flagOf({ flags: Uint8Array.of(1) })).toBe(1)
    expect(flagOf({ flags: Uint8Array.of(1), level: Float64Array.of(-Infinity) })).toBe(1)
  })

  it('stands for a row of heads where one of them has it, and leaves the partial as it was', () => {
    const rows = [{}, { skewed: Float64Array.of(1) }, {}, {}].map(plain)
    const partial = stacked(rows)
    const { error, flagged, measured } = errorBars(partial, 2)
    expect([error.rows, error.cols, error.data.length]).toEqual([2, 16, 32])
    expect([[...flagged], [...measured]]).toEqual([
      [1, 0],
      [0, 0],
    ])
    expect([...partial.spread!.flags]).toEqual([0, 0, 0, 0])
    expect(() => errorBars(partial, 3)).toThrow('errorBars: rows must divide the 4 rows of the partial, got 3')
    expect(() => errorBars(emptyPartial(1, 1))).toThrow(
      new TypeError('errorBars: the partial must be asked for with { errorBars: true }'),
    )
    const none = { ...emptyPartial(0, 3), spread: emptySpread(0, 3) }
    expect(errorBars(none).error).toEqual(matrix(0, 3))
  })
})

/** Φ: the share of a normal distribution below a number, by its series. */
function below(z: number): number {
  if (Math.abs(z) > 8) return z > 0 ? 1 : 0
  let [sum, term] = [z, z]
  for (let i = 1; i < 200; i++) sum += term *= (z * z) / (2 * i + 1)
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

const measured = Uint8Array.of(1)
const entries = (x: number) => new Float64Array(8).fill(x)
const one = (change: Partial<Spread>) => bars(plain({ measured, sampleSquares: entries(0.25), ...change })).flagged

describe('a bar that a sample measures', () => {
  it('is the error itself where the sample is all tokens', () => {
    for (const [max, level] of [
      [0, 0],
      [2, 3],
    ]) {
      const [mass, sums] = [5, [1, -2, 7, 0.5]] // of the tokens, which a summary answers with mass 4 and other sums
      const summary = [1.5, -1, 6, 0.25]
      const unit = Math.exp(-max)
      const partial: PartialSoftmax = {
        max: Float32Array.of(max),
        mass: Float64Array.of(4 * unit),
        sum: matrix(
          1,
          4,
          Float32Array.from(summary, (x) => x * unit),
        ),
        spread: {
          ...emptySpread(1, 4),
          measured,
          level: Float64Array.of(level),
          gaps: Float64Array.from(sums, (x, c) => (x - summary[c]) * Math.exp(-level)),
          gapMass: Float64Array.of((mass - 4) * Math.exp(-level)),
        },
      }
      const { error, flagged } = bars(partial)
      for (const [c, x] of sums.entries()) expect(error[c]).toBeCloseTo(Math.abs(x / mass - summary[c] / 4), 5)
      expect([flagged, bars(partial).measured]).toEqual([[0], [1]])
    }
  })

  it('without gaps is twice the error that the mean of eight squares has, over the terms: worth 4/3', () => {
    const { error, flagged } = bars(plain({ measured, sampleSquares: entries(0.25) }))
    for (const own of error) expect(own).toBeCloseTo(0.5 * Math.sqrt(4 / 7), 5)
    expect(flagged).toEqual([0])
  })

  it.each([0.5, 1, 2, 5, 30])('holds 95 of 100 errors, and hardly more, where samples are %d deviations off', (off) => {
    const s = 0.5
    const { error } = bars(plain({ measured, gaps: entries(off * s), sampleSquares: entries(s * s) }))
    // what the sample leaves unknown: normal around r·g with deviation √r·s, r = worth/(1 + worth)
    const worth = Math.max(off * off - 1 + 0.5, 1) / (1 - 2 / 8)
    const r = worth / (1 + worth)
    const [centre, deviation] = [r * off * s, Math.sqrt(r) * s]
    const within = below((1.96 * error[0] - centre) / deviation) - below((-1.96 * error[0] - centre) / deviation)
    expect(within).toBeGreaterThan(0.9499)
    expect(within).toBeLessThan(0.9535)
  })

  it('is flagged without mass, with few entries to judge by, and where the sample is too uncertain', () => {
    expect(one({})).toEqual([0])
    expect(one({ gapMass: Float64Array.of(-1) })).toEqual([1])
    expect(one({ sampleWeights: Float64Array.of(1 / 100) })).toEqual([0])
    expect(one({ sampleWeights: Float64Array.of(1 / 99) })).toEqual([1])
    expect(one({ sampleWeights: Float64Array.of(1e-3), sampleFourths: Float64Array.of(1e-6 / 3.9) })).toEqual([1])
    for (const [count, flag] of [
      [0, 0],
      [1, 1],
      [3, 1],
      [4, 0],
    ])
      expect(one({ sampleSquares: entries(0).fill(0.25, 0, count) })).toEqual([flag])
  })

  it('has the known noise beside it, and a row that nothing measures has that alone', () => {
    const noise = { squares: entries(0.16) }
    const both = bars(plain({ measured, sampleSquares: entries(0.25), ...noise })).error[0]
    const [own, known] = [
      bars(plain({ measured, sampleSquares: entries(0.25) })).error[0],
      bars(plain({ sampleSquares: entries(0.25), ...noise })).error[0],
    ]
    expect(known).toBeCloseTo(0.4, 6)
    expect(both).toBeCloseTo(Math.hypot(own, known), 6)
  })

  it('has squares of the sample about the answer, in the masses of the sample', () => {
    // two tokens of weight 3 and values 2 ± 1, each with a variance of a hundredth: Σ w²·x·(v − a)² = 0.18
    const sample = {
      sampleSquares: entries(0.09 * (1 + 9)),
      sampleProducts: entries(0.09 * (1 + 3)),
      sampleWeights: Float64Array.of(0.18),
    }
    const { error } = bars(plain({ measured, ...sample, gapMass: Float64Array.of(5), gaps: entries(10) }))
    for (const own of error) expect(own).toBeCloseTo((Math.sqrt(0.18) / 6) * Math.sqrt(4 / 7), 5)
  })
})
