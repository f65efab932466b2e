import { fc } from '@fast-check/vitest'
import type { FeatureMap, Matrix } from '@sublinear/core'

/** n thousandths of `reach`, from −reach to reach. */
export const entries = (n: number, reach: number) =>
  fc
    .array(fc.integer({ min: -1000, max: 1000 }), { minLength: n, maxLength: n })
    .map((list) => Float32Array.from(list, (x) => (x / 1000) * reach))

/** The features of one row, and the logarithm of its scale. */
export const features = (map: FeatureMap, side: 'keys' | 'queries', x: Float32Array) => {
  const rows: Matrix = { rows: 1, cols: map.d, data: x }
  const out = { rows: 1, cols: map.t, data: new Float32Array(map.t) }
  const logScale = new Float32Array(1)
  if (side === 'keys') map.mapKeys(rows, out)
  else map.mapQueries(rows, out, logScale)
  return { phi: out.data, shift: logScale[0] }
}
