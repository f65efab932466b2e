// Specs of anisotropic maps, honest and hostile. Kills: a table or basis that is not tried.
import { describe, expect, it } from 'vitest'
import { restoreFeatures } from '../src'
import { decodeBytes, decodeFloats, encodeBytes, encodeFloats } from '../src/base64'
import { make, mapped, type Spec } from './anisotropic-maps'
import { cloud } from './pilot'

describe('a spec', () => {
  const map = make({ d: 3, t: 12 })
  const good = JSON.parse(map.spec) as Spec
  const changed = (change: object) => JSON.stringify({ ...good, ...change })
  const basis = decodeFloats('test', 'basis', good.basis, 9)
  const table = decodeBytes('test', 'table', good.table, 72)
  const withByte = (at: number, byte: number) => encodeBytes(table.map((b, i) => (i === at ? byte : b)))

  it('comes back as the same map, to the bit', () => {
    const twin = restoreFeatures(map.spec)
    const x = cloud(5, 3, { seed: 9 })
    expect(twin.spec).toBe(map.spec)
    for (const side of ['keys', 'queries'] as const) expect(mapped(twin, side, x)).toEqual(mapped(map, side, x))
  })

  it.each([
    ['no dimension', { d: 0 }],
    ['a dimension that its arrays do not have', { d: 4 }],
    ['a huge dimension', { d: 2 ** 40 }],
    ['a count that its table does not have', { t: 13 }],
    ['a huge count', { t: 2 ** 31 }],
    ['no scale', { scale: 0 }],
    ['a short basis', { basis: encodeFloats(basis.subarray(1)) }],
    ['a basis that is not base64', { basis: '*'.repeat(good.basis.length) }],
    ['NaN in the basis', { basis: encodeFloats(basis.map((x, i) => (i === 4 ? NaN : x))) }],
    ['a skew basis', { basis: encodeFloats(basis.map((x, i) => (i === 4 ? x + 1e-4 : x))) }],
    ['∞ in the centre', { centre: encodeFloats(Float32Array.of(0, Infinity, 0)) }],
    ['a huge centre', { centre: encodeFloats(Float32Array.of(0, 1e30, 0)) }],
    ['a constant from elsewhere', { table: withByte(4, 1) }],
    ['a parent that comes later', { table: withByte(6, 9) }],
    ['a coordinate outside', { table: withByte(10, 3) }],
    ['a monomial twice', { table: encodeBytes(table.map((b, i) => (i >= 12 && i < 18 ? table[i - 6] : b))) }],
    ['an odd block', { block: [3, 1] }],
    ['a block larger than the table', { block: [3, 20] }],
    ['a block of other monomials', { block: [2, 4] }],
    ['a block without variables', { block: [0, 2] }],
    ['something more', { more: 1 }],
  ])('with %s is refused', (_, change) => {
    expect(() => restoreFeatures(changed(change))).toThrow(RangeError)
    expect(() => restoreFeatures(changed(change))).toThrow(/^[a-zA-Z]+: /)
  })

  it.each([
    ['a number for the basis', { basis: 7 }],
    ['no table', { table: undefined }],
    ['a block that is no pair', { block: 'all' }],
    ['a text for d', { d: '3' }],
  ])('with %s is refused as any other', (_, change) => {
    expect(() => restoreFeatures(changed(change))).toThrow(RangeError)
  })
})
