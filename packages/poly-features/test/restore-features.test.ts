// Specs of maps with a radius or a seed, honest and hostile; Taylor's are in taylor-spec.test.ts, anisotropic ones in anisotropic-spec.test.ts.
// Kills: a parameter that is not restored, a seed that loses bits beyond 2^53, sizes believed before they are tried.
import { describe, expect, it } from 'vitest'
import { minimaxFeatures, randomFeatures, restoreFeatures, tensorSketchFeatures } from '../src'

const good = {
  minimax: minimaxFeatures({ d: 2, degree: 3, radius: 1.5, scale: 1, centre: Float32Array.of(0.1, 1) }),
  random: randomFeatures({ d: 2, t: 5, scale: 0.5, seed: 2n ** 64n - 3n, orthogonal: true }),
  'tensor-sketch': tensorSketchFeatures({ d: 2, degree: 3, t: 9, scale: 0.5, seed: 2n ** 53n + 1n }),
}
type Kind = keyof typeof good

const spec = (kind: Kind, change: object) => JSON.stringify({ ...(JSON.parse(good[kind].spec) as object), ...change })

describe('restoreFeatures', () => {
  it.each(Object.keys(good) as Kind[])('of %s is the same map, to the bit', (kind) => {
    const [map, twin] = [good[kind], restoreFeatures(good[kind].spec)]
    const x = { rows: 2, cols: 2, data: Float32Array.of(0.5, -1, 0.25, 2) }
    const mapped = (one: typeof map) => {
      const out = { rows: 2, cols: one.t, data: new Float32Array(2 * one.t) }
      const logScale = new Float32Array(2)
      one.mapKeys(x, out)
      const keys = out.data.slice()
      one.mapQueries(x, out, logScale)
      return { keys, queries: out.data, logScale }
    }
    expect(twin.spec).toBe(map.spec)
    expect([twin.radius, twin.fallbacks]).toEqual([map.radius, map.fallbacks])
    expect(mapped(twin)).toEqual(mapped(map))
  })

  it.each([
    ['minimax', { d: 2 ** 30 }],
    ['minimax', { degree: 21 }],
    ['minimax', { radius: 9 }],
    ['minimax', { radius: 0.001 }],
    ['minimax', { radius: 1e-300 }],
    ['minimax', { centre: [1, 2, 3] }],
    ['minimax', { centre: 'no' }],
    ['random', { t: 2 ** 40 }],
    ['random', { d: 2 ** 23, t: 3 }],
    ['random', { seed: 7 }],
    ['random', { seed: '007' }],
    ['random', { seed: '18446744073709551616' }],
    ['random', { seed: '-1' }],
    ['random', { more: true }],
    ['tensor-sketch', { t: 4 }],
    ['tensor-sketch', { t: 2 ** 30 }],
    ['tensor-sketch', { degree: 1 }],
    ['tensor-sketch', { seed: '1e3' }],
  ] as const)('of %s refuses %o', (kind, change) => {
    expect(() => restoreFeatures(spec(kind, change))).toThrow(RangeError)
    expect(() => restoreFeatures(spec(kind, change))).toThrow(/^[a-zA-Z]+: /)
  })

  it.each([
    ['minimax', { radius: '1' }],
    ['minimax', { degree: null }],
    ['random', { orthogonal: 1 }],
    ['random', { d: '2' }],
    ['tensor-sketch', { scale: null }],
  ] as const)('of %s takes %o for a wrong text, as it is no argument of a caller', (kind, change) => {
    expect(() => restoreFeatures(spec(kind, change))).toThrow(RangeError)
  })

  it('costs nothing before the features are asked for', () => {
    const from = performance.now()
    for (let i = 0; i < 20; i++) {
      restoreFeatures(spec('random', { d: 2 ** 12, t: 2 ** 12, orthogonal: false }))
      restoreFeatures(spec('tensor-sketch', { d: 2 ** 4, t: 2 ** 16 }))
    }
    expect(performance.now() - from).toBeLessThan(1000) // making one of them takes seconds
  })
})
