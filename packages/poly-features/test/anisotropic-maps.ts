import type { FeatureMap, Matrix } from '@sublinear/core'
import { anisotropicFeatures } from '../src'
import { decodeBytes, decodeFloats } from '../src/base64'
import { cloud } from './pilot'

export interface Spec {
  readonly d: number
  readonly t: number
  readonly scale: number
  readonly block: [number, number]
  readonly centre: string
  readonly basis: string
  readonly table: string
}

/** Features of pilots that are clouds. */
export const make = ({ d = 8, t = 60, scale = 0.4, decay = 1, mean = 0.5, seed = 1, size = 1 } = {}) =>
  anisotropicFeatures({
    pilotKeys: cloud(200, d, { seed, decay, mean, size }),
    pilotQueries: cloud(100, d, { seed: seed + 1, decay, size }),
    t,
    scale,
  })

/** A spec, decoded by hand. */
export function parts(map: FeatureMap) {
  const spec = JSON.parse(map.spec) as Spec
  const { d, t } = spec
  const bytes = new DataView(decodeBytes('test', 'table', spec.table, 6 * t).buffer)
  const exponents: number[][] = []
  for (let f = 0; f < t; f++) {
    const e = f === 0 ? Array.from({ length: d }, () => 0) : [...exponents[bytes.getUint32(6 * f, true)]]
    if (f > 0) e[bytes.getUint16(6 * f + 4, true)]++
    exponents.push(e)
  }
  return {
    ...spec,
    exponents,
    centre: decodeFloats('test', 'centre', spec.centre, d),
    basis: decodeFloats('test', 'basis', spec.basis, d * d),
  }
}

export const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))

/** Rows mapped as keys or as queries. */
export function mapped(map: FeatureMap, side: 'keys' | 'queries', x: Matrix) {
  const out = { rows: x.rows, cols: map.t, data: new Float32Array(x.rows * map.t) }
  const logScale = new Float32Array(x.rows)
  if (side === 'keys') map.mapKeys(x, out)
  else map.mapQueries(x, out, logScale)
  return { features: out.data, logScale }
}
