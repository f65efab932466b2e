// The growth of a mean of exponentials of bounded scores against quadrature of the Beta distribution, and closures against mean tokens where they are
// likeliest to be worse. Kills: a Gaussian that no bound holds (two clumps: 1.9 where the mean token has 1.0), a reach in the wrong units or without its square,
// extremes of the wrong side or of values, a tilt that is no derivative of the rise, cancelling at small σ, extremes lost by a merge or a snapshot.
import { fc, test } from '@fast-check/vitest'
import { matrix, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { closureStream, meanStream, restoreClosureStream } from '../src'
import { boundedGrowth } from '../src/bounded-scores'
import { normalRows } from './normal-rows'

/** ln E e^{σx} for x of density ∝ (1 − (x/z)²)^{a − 1} on [−z, z] with variance 1, a = (z² − 1)/2: by the substitution x = z·sin t. */
function quadrature(sigma: number, z2: number): number {
  const z = Math.sqrt(z2)
  const power = z2 - 2 // cos^{2a − 1}
  let [whole, tilted] = [0, 0]
  const steps = 20000
  for (let i = 0; i < steps; i++) {
    const t = ((i + 0.5) / steps - 0.5) * Math.PI
    const weight = Math.cos(t) ** power
    whole += weight
    tilted += weight * Math.exp(sigma * z * (Math.sin(t) - 1))
  }
  return sigma * z + Math.log(tilted / whole)
}

describe('boundedGrowth', () => {
  it('is the Beta distribution’s of the reach that counts, to 6 % of a deviation', () => {
    for (const reach of [3, 4, 6, 12])
      for (const sigma of [0.2, 0.7, 1.5, 4, 10]) {
        const z2 = 1 + ((0.7 * reach) ** 2 - 1) * (1 + (12 / sigma ** 2) ** 2)
        const { rise } = boundedGrowth(sigma, reach, 1e6)
        expect(Math.abs(rise - quadrature(sigma, z2))).toBeLessThan(0.06 * sigma)
      }
  })

  const sizes = {
    sigma: fc.double({ min: 1e-6, max: 1e4, noNaN: true }),
    reach: fc.double({ min: 0, max: 1e4, noNaN: true }),
  }
  test.prop([sizes.sigma, sizes.reach, fc.double({ min: 0, max: 40, noNaN: true })], { seed: 1, numRuns: 300 })(
    'stays between a mean token and a Gaussian, and grows with its reach',
    (sigma, reach, count) => {
      const { rise, tilt } = boundedGrowth(sigma, reach, count)
      expect(rise).toBeGreaterThanOrEqual(0)
      expect(rise).toBeLessThanOrEqual((sigma ** 2 / 2) * (1 + 1e-9))
      expect(tilt).toBeGreaterThanOrEqual(0)
      expect(tilt).toBeLessThanOrEqual(1)
      const wider = boundedGrowth(sigma, reach + 1, count)
      expect(wider.rise).toBeGreaterThanOrEqual(rise * (1 - 1e-9))
    },
  )

  it('is smooth, also where σ is next to nothing, and any number has an answer', () => {
    for (const sigma of [1e-9, 1e-5, 1e-3]) {
      const { rise, tilt } = boundedGrowth(sigma, 3, 7)
      expect(rise / (sigma ** 2 / 2)).toBeCloseTo(1, 4)
      expect(tilt).toBeCloseTo(1, 4)
    }
    for (const [sigma, reach] of [
      [0, 0],
      [1e-200, 1e200],
      [1e200, 1e200],
      [1e200, 0],
    ] as const) {
      const { rise, tilt } = boundedGrowth(sigma, reach, 5)
      expect(Number.isNaN(rise) || Number.isNaN(tilt)).toBe(false)
    }
  })

  it('tilts by the derivative of its rise where the reach is that of two points', () => {
    for (const sigma of [0.3, 1, 3]) {
      const step = 1e-5
      const slope = (boundedGrowth(sigma + step, 1, 20).rise - boundedGrowth(sigma - step, 1, 20).rise) / (2 * step)
      expect(boundedGrowth(sigma, 1, 20).tilt * sigma).toBeCloseTo(slope, 4)
    }
  })
})

const [N, D, SCALE] = [1200, 8, 1 / Math.sqrt(8)]

/** Keys by what a row is of its place, a normal number of its own, and a row of normal numbers. */
function keysOf(entry: (x: number, own: number, row: number, c: number) => number): Matrix {
  const [noise, own] = [normalRows(N, D, 21), normalRows(N, 1, 22)]
  return matrix(
    N,
    D,
    noise.data.map((x, i) => entry(x, own.data[Math.floor(i / D)], Math.floor(i / D), i % D)),
  )
}

const DIRECTION = normalRows(1, D, 23).data
const KINDS: Record<string, Matrix> = {
  'heavy tails': keysOf((x, own) => x * Math.exp(1.5 * own)),
  'one-sided tails': keysOf((x) => Math.exp(1.5 * x)),
  'two far clumps': keysOf((x, own) => 0.3 * x + (own > 0 ? 2.5 : -2.5)),
  'uneven clumps': keysOf((x, own) => 0.3 * x + (own > 1.6 ? 2.5 : 0)),
  'rank 1': keysOf((_, own, __, c) => 2 * own * DIRECTION[c]),
  'rank 1, evenly spread': keysOf((_, __, row, c) => ((4 * row) / N - 2) * DIRECTION[c]),
  'a shell': keysOf((x) => 1.5 * Math.sign(x)),
}

describe('no closure answers worse than its mean token', () => {
  const noise = normalRows(N, D, 31)
  for (const [kind, keys] of Object.entries(KINDS)) {
    it(kind, () => {
      const values = matrix(
        N,
        D,
        keys.data.map((x, i) => 0.5 * x + noise.data[i]),
      )
      for (const size of [0.5, 2, 8]) {
        const queries = matrix(
          128,
          D,
          normalRows(128, D, 41).data.map((x) => size * x),
        )
        const exact = softmaxOracle(queries, keys, values, SCALE, () => N)
        const errorOf = (stream: ReturnType<typeof closureStream> | ReturnType<typeof meanStream>) => {
          stream.push({ keys, values })
          const got = normalise(stream.attend(queries)).data
          return Math.hypot(...got.map((x, i) => x - exact[i])) / Math.hypot(...exact)
        }
        const [closure, mean] = [
          errorOf(closureStream({ d: D, dv: D, scale: SCALE })),
          errorOf(meanStream({ d: D, dv: D, scale: SCALE })),
        ]
        expect(closure).toBeLessThan(1.02 * mean)
      }
    })
  }

  it('an even spread reaches √3 of its deviations', () => {
    const keys = matrix(
      N,
      1,
      Float32Array.from({ length: N }, (_, i) => Math.sqrt(3) * ((2 * i + 1) / N - 1)),
    )
    const stream = closureStream({ d: 1, dv: 1, scale: 1, buffer: 1 })
    stream.push({ keys, values: keys })
    stream.push({ keys: matrix(1, 1), values: matrix(1, 1) }) // the one that is held
    for (const sigma of [1, 3, 9]) {
      const { max, mass } = stream.attend(matrix(1, 1, Float32Array.of(sigma)))
      const wanted = Math.log(N) + boundedGrowth(sigma, Math.sqrt(3), Math.log(N)).rise
      expect(max[0] + Math.log(mass[0])).toBeCloseTo(wanted, 1)
    }
  })

  it('extremes come through a merge and a snapshot', () => {
    const keys = KINDS['two far clumps']
    const half = (from: number) => ({
      keys: matrix(N / 2, D, keys.data.slice((from * D * N) / 2, ((from + 1) * D * N) / 2)),
      values: matrix(N / 2, D, noise.data.slice((from * D * N) / 2, ((from + 1) * D * N) / 2)),
    })
    const [whole, one, two] = [0, 1, 2].map(() => closureStream({ d: D, dv: D, scale: SCALE, buffer: 1 }))
    for (const from of [0, 1]) whole.push(half(from))
    one.push(half(0))
    two.push(half(1))
    one.merge(two)
    const queries = normalRows(16, D, 51)
    const wanted = normalise(whole.attend(queries)).data
    for (const stream of [one, restoreClosureStream(one.toBytes())])
      for (const [i, x] of normalise(stream.attend(queries)).data.entries()) expect(x).toBeCloseTo(wanted[i], 3)
  })
})
