import { checkFinite, checkInteger, checkKeys, checkScale } from '@sublinear/core'
import { evenPrefixes, MOST_FEATURES, MOST_VARIABLES, type Anisotropy } from './anisotropic-map'
import { decodeBytes, decodeFloats } from './base64'
import { featureDimension } from './feature-dimension'
import { MOST_DEGREE } from './monomial-map'
import type { MonomialTable } from './monomial-search'

/** Largest deviation of the basis of a spec from orthonormal: float32 rounding of a true one is below 1e-6. */
const ORTHONORMAL = 1e-5

/**
 * Reads the parts of an anisotropic map from its spec, and checks them before anything is built: sizes before arrays, an orthonormal basis,
 * a table of distinct monomials, each after its parent, and a block whose monomials are in the table.
 *
 * @throws TypeError, RangeError when anything is not as a map would write it
 */
export function readAnisotropy(who: string, spec: Readonly<Record<string, unknown>>): Anisotropy {
  const { d, t, scale } = spec
  checkInteger(who, 'd', d, 1, MOST_VARIABLES)
  checkInteger(who, 't', t, 1, MOST_FEATURES)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const centre = decodeFloats(who, 'centre', spec['centre'], d)
  checkKeys(who, 'centre', { rows: 1, cols: d, data: centre })
  const basis = decodeFloats(who, 'basis', spec['basis'], d * d)
  checkOrthonormal(who, basis, d)
  const table = readTable(decodeBytes(who, 'table', spec['table'], 6 * t))
  const exponents = checkTable(who, table, d)
  const block = readBlock(who, spec['block'], d)
  const [size = 1] = evenPrefixes(block)
  if (size > t) throw new RangeError(`${who}: block must have at most t = ${t} features, got ${size}`)
  for (const prefix of evenPrefixes(block)) {
    const degree = exponents.slice(0, prefix).reduce((most, e) => Math.max(most, e.length), 0)
    const whole = degree <= MOST_DEGREE && featureDimension(block.variables || 1, degree) === prefix
    const inside = exponents.slice(0, prefix).every((e) => e.every((i) => i < block.variables))
    if (!inside || !(whole || prefix === 1))
      throw new RangeError(`${who}: block must lead the table, got other monomials among its first ${prefix}`)
  }
  return { d, scale, centre, basis, ...table, block }
}

function readTable(bytes: Uint8Array<ArrayBuffer>): MonomialTable {
  const view = new DataView(bytes.buffer)
  const t = bytes.length / 6
  return {
    parents: Uint32Array.from({ length: t }, (_, f) => view.getUint32(6 * f, true)),
    coordinates: Uint32Array.from({ length: t }, (_, f) => view.getUint16(6 * f + 4, true)),
  }
}

/** Every feature's variables, ascending and repeated by exponent. */
function checkTable(who: string, { parents, coordinates }: MonomialTable, d: number): number[][] {
  const exponents: number[][] = [[]]
  const seen = new Set([''])
  if (parents[0] !== 0 || coordinates[0] !== 0)
    throw new RangeError(`${who}: table must begin with the constant, got another monomial`)
  for (let f = 1; f < parents.length; f++) {
    if (parents[f] >= f || coordinates[f] >= d)
      throw new RangeError(`${who}: table must build every monomial from an earlier one, got feature ${f} from none`)
    const exponent = [...exponents[parents[f]], coordinates[f]].toSorted((i, j) => i - j)
    if (exponent.length > MOST_DEGREE)
      throw new RangeError(`${who}: table must have degrees up to ${MOST_DEGREE}, got more at feature ${f}`)
    const name = exponent.join()
    if (seen.has(name)) throw new RangeError(`${who}: table must have distinct monomials, got one twice at ${f}`)
    seen.add(name)
    exponents.push(exponent)
  }
  return exponents
}

function readBlock(who: string, block: unknown, d: number): Anisotropy['block'] {
  if (!Array.isArray(block) || block.length !== 2)
    throw new TypeError(`${who}: block must be a pair of integers, got something else`)
  const [variables, even] = block as unknown[]
  checkInteger(who, 'variables of the block', variables, 0, d)
  checkInteger(who, 'degree of the block', even, 0, MOST_DEGREE)
  if (even % 2 === 1 || (variables === 0) !== (even === 0))
    throw new RangeError(`${who}: block must have an even degree, 0 for no variables, got ${variables} and ${even}`)
  return { variables, even }
}

function checkOrthonormal(who: string, basis: Float32Array, d: number): void {
  for (let i = 0; i < d; i++) {
    for (let j = i; j < d; j++) {
      let product = 0
      for (let c = 0; c < d; c++) product += basis[i * d + c] * basis[j * d + c]
      if (!(Math.abs(product - (i === j ? 1 : 0)) <= ORTHONORMAL))
        throw new RangeError(`${who}: basis must be orthonormal, got ${product} for rows ${i} and ${j}`)
    }
  }
}
