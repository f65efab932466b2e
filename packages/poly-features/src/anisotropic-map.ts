import { rowsOf, type FeatureMap, type Matrix } from '@sublinear/core'
import { featureKernels, kernels, type Floats, type Resident } from '@sublinear/kernels'
import { encodeBytes, encodeFloats } from './base64'
import { featureDimension } from './feature-dimension'
import { checkKeyCall, checkQueryCall, MOST_DEGREE, shiftOf, CENTRED_MASS } from './monomial-map'
import type { MonomialTable } from './monomial-search'
import { normsError, radiusWithin } from './relative-error'

/** Everything that decides an anisotropic map. */
export interface Anisotropy extends MonomialTable {
  readonly d: number
  readonly scale: number
  readonly centre: Float32Array // d
  /** Rows are orthonormal. */
  readonly basis: Float32Array // d × d
  /** The leading features are all monomials of degree ≤ even in the first `variables` coordinates. */
  readonly block: { readonly variables: number; readonly even: number }
}

/** Most variables: finding the eigenvectors of more takes too many seconds. */
export const MOST_VARIABLES = 256
export const MOST_FEATURES = 2 ** 16
const RELATIVE_ERROR = 0.1
const ROWS = 64

/**
 * Makes the map of a table of monomials in rotated coordinates: z = basis·(k − centre)·√scale; then each feature is an earlier one times a coordinate of z times
 * 1/√e_i, where i is that coordinate and e_i its exponent.
 */
export function anisotropicMap(who: string, parts: Anisotropy): FeatureMap {
  const { d, scale, parents, coordinates } = parts
  const t = parents.length
  const centre = parts.centre.slice()
  const { factors, degrees } = exponentsOf(parts)
  const whole = wholeDegree(d, degrees)
  const zero = new Float32Array(d)
  const ones = new Float32Array(d + 1).fill(1)
  let rotations: ReturnType<typeof rotationsOf> | undefined // made at first use, like the scratch
  let room: Resident<Float32Array> | undefined

  /** Computes features of (x − by), t × rows. */
  const expand = (x: Floats, by: Float32Array, rows: number, out: Resident<Float32Array>) => {
    const { rotation, turnedRotation } = (rotations ??= rotationsOf(parts.basis, d, Math.sqrt(scale)))
    if (!room || room.length < (2 * d + 1) * rows) {
      room?.[Symbol.dispose]()
      room = kernels().floats((2 * d + 1) * rows)
    }
    kernels().monomialColumns(room, x, by, 1, ones, rows, d, 1) // features of degree ≤ 1: a row of ones, then x − by, turned
    const moved = room.range(rows, d * rows)
    const z = room.range((d + 1) * rows, d * rows)
    if (rows === 1) kernels().product('nn', z, moved, turnedRotation, 1, d, d) // the same sums, along the lanes
    else kernels().product('nn', z, rotation, moved, d, d, rows)
    featureKernels().monomialTable(out, z, parents, coordinates, factors, rows)
  }
  /** Computes features row by row. */
  const expandRows = (x: Matrix, by: Float32Array, out: Matrix) => {
    for (let from = 0; from < x.rows; from += ROWS) {
      const part = rowsOf(x, from, Math.min(x.rows, from + ROWS))
      const features = kernels().floats(t * part.rows)
      expand(part.data, by, part.rows, features)
      const columns = features.read()
      features[Symbol.dispose]()
      for (let f = 0, i = 0; f < t; f++) {
        for (let at = from * t + f, r = part.rows; r > 0; r--, at += t) out.data[at] = columns[i++]
      }
    }
  }
  return {
    d,
    t,
    scale,
    radius: radiusWithin((radius) => normsError(whole, radius), RELATIVE_ERROR, whole),
    spec: specOf({ ...parts, centre }),
    fallbacks: evenPrefixes(parts.block).filter((prefix) => prefix < t),
    leastMass: CENTRED_MASS,
    mapKeys(keys, out) {
      checkKeyCall(who, d, t, keys, out)
      expandRows(keys, centre, out)
    },
    mapQueries(queries, out, logScale) {
      checkQueryCall(who, d, t, queries, out, logScale)
      shiftOf(queries.data, centre, scale, logScale)
      expandRows(queries, zero, out)
    },
    resident: {
      mapKeys: (keys, rows, out) => expand(keys, centre, rows, out),
      mapQueries(queries, rows, out, logScale) {
        shiftOf(queries, centre, scale, logScale)
        expand(queries, zero, rows, out)
      },
    },
  }
}

/** The basis times √scale, and its transpose, in the kernels' memory. */
function rotationsOf(basis: Float32Array, d: number, unit: number) {
  const [rotation, turnedRotation] = [kernels().floats(d * d), kernels().floats(d * d)]
  const scaled = basis.map((x) => x * unit)
  rotation.write(scaled)
  turnedRotation.write(scaled.map((_, i) => scaled[(i % d) * d + Math.floor(i / d)]))
  return { rotation, turnedRotation }
}

/** JSON of the parts, arrays in base64: parents and coordinates as 4 and 2 bytes a feature. */
function specOf({ d, scale, centre, basis, parents, coordinates, block }: Anisotropy): string {
  const t = parents.length
  const view = new DataView(new ArrayBuffer(6 * t))
  for (let f = 0; f < t; f++) {
    view.setUint32(6 * f, parents[f], true)
    view.setUint16(6 * f + 4, coordinates[f], true)
  }
  return JSON.stringify({
    kind: 'anisotropic',
    d,
    t,
    scale,
    block: [block.variables, block.even],
    centre: encodeFloats(centre),
    basis: encodeFloats(basis),
    table: encodeBytes(new Uint8Array(view.buffer)),
  })
}

/** The factors 1/√e of a table, where e is the exponent of coordinates[f] in feature f; and every feature's degree. */
export function exponentsOf({ parents, coordinates }: MonomialTable) {
  const factors = new Float32Array(parents.length).fill(1)
  const degrees = new Uint8Array(parents.length)
  for (let f = 1; f < parents.length; f++) {
    let exponent = 0
    for (let g = f; g > 0; g = parents[g]) if (coordinates[g] === coordinates[f]) exponent++
    factors[f] = 1 / Math.sqrt(exponent)
    degrees[f] = degrees[parents[f]] + 1
  }
  return { factors, degrees }
}

/** The largest degree of which all monomials are there. */
export function wholeDegree(d: number, degrees: Uint8Array): number {
  let degree = 0
  for (;;) {
    const count = degrees.reduce((sum, g) => sum + (g <= degree + 1 ? 1 : 0), 0)
    if (degree === MOST_DEGREE || count < featureDimension(d, degree + 1)) return degree
    degree++
  }
}

/** Sizes of the even degrees of a block, largest first. */
export function evenPrefixes({ variables, even }: Anisotropy['block']): number[] {
  const all: number[] = []
  for (let g = variables === 0 ? 0 : even; g > 0; g -= 2) all.push(featureDimension(variables, g))
  return [...all, 1]
}
