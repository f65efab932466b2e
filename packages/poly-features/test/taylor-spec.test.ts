// Specs of Taylor maps, honest and hostile. Kills: a centre that is not restored, a text that no map gives, features built before sizes are
// believed.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { restoreFeatures, taylorFeatures } from '../src'
import { entries, features } from './row-features'

const spec = (change: object) => JSON.stringify({ kind: 'taylor', d: 2, degree: 2, scale: 1, ...change })

describe('a spec', () => {
  test.prop(
    [
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 5 }),
      fc.double({ min: 1e-3, max: 10, noNaN: true }),
      fc.option(entries(4, 3)),
    ],
    { seed: 3, numRuns: 60 },
  )('comes back as the same map', (d, degree, scale, centre) => {
    const map = taylorFeatures({ d, degree, scale, ...(centre && { centre: centre.slice(0, d) }) })
    const twin = restoreFeatures(map.spec)
    const x = Float32Array.from({ length: d }, (_, i) => 0.3 * i - 0.4)
    expect(twin.spec).toBe(map.spec)
    for (const side of ['keys', 'queries'] as const) expect(features(twin, side, x)).toEqual(features(map, side, x))
  })

  it('of no map is refused, and before much is allocated', () => {
    const hostile = [
      '',
      'taylor',
      'null',
      '7',
      '[]',
      '{}',
      '['.repeat(1e5),
      spec({ kind: 'hermite' }),
      spec({ kind: 'toString' }),
      spec({ kind: undefined }),
      spec({ d: 0 }),
      spec({ d: 1e9 }),
      spec({ degree: 65 }),
      spec({ scale: 0 }),
      spec({ scale: -1 }),
      spec({ scale: null }).replace('null', '1e999'),
      spec({ centre: [1] }),
      spec({ centre: [1, null] }),
      spec({ centre: ['1', '2'] }),
      spec({ centre: { 0: 1, 1: 2 } }),
      spec({ centre: 'no' }),
      spec({ centre: [0.1, 0.2] }),
      spec({ more: 1 }),
      spec({ centre: [1e39, 0] }),
      ` ${spec({})}`,
      '{"scale":1,"degree":2,"d":2,"kind":"taylor"}',
    ]
    for (const text of hostile) {
      expect(() => restoreFeatures(text), text.slice(0, 60)).toThrow(RangeError)
      expect(() => restoreFeatures(text), text.slice(0, 60)).toThrow(/^[a-zA-Z]+: /)
    }
    for (const text of [spec({ d: '2' }), spec({ scale: null }), spec({ degree: undefined })])
      expect(() => restoreFeatures(text)).toThrow(RangeError)
    const from = performance.now()
    for (let i = 0; i < 3; i++) restoreFeatures(spec({ d: 2 ** 26 - 1, degree: 1 }))
    expect(performance.now() - from).toBeLessThan(3000) // with its features, one takes gigabytes and seconds
  })
})
