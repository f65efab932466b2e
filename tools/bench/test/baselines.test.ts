// The JavaScript that ours is compared with computes the same. Kills: a baseline that is fast because it leaves work out, or adds in another place.
import { scalarFeatureKernels, scalarKernels, scalarSketchKernels } from '@sublinear/kernels'
import { describe, expect, test } from 'vitest'
import { polynomialExp, tableExp } from '../src/baselines/exponential.ts'
import { suffixColumns, suffixMonomials, tableColumns, tableRows } from '../src/baselines/monomials.ts'
import { tiledProduct } from '../src/baselines/product.ts'
import { scatterFour } from '../src/baselines/scatter.ts'
import { normals, randomWords } from '../src/random.ts'

// A baseline that does less than the kernel would flatter the kernel: each does the scalar kernel's whole job.
describe('plain-JavaScript baselines', () => {
  test.each([
    ['nt', 8, 5, 12],
    ['nn', 7, 3, 4],
    ['tn', 561, 64, 32],
  ] as const)('product %s, %i × %i × %i', (form, rows, inner, cols) => {
    const [a, b] = [normals(rows * inner, 1), normals(inner * cols, 2)]
    for (const add of [false, true]) {
      const [ours, theirs] = [normals(rows * cols, 3), normals(rows * cols, 3)]
      tiledProduct(form, ours, a, b, rows, inner, cols, add)
      scalarKernels.product(form, theirs, a, b, rows, inner, cols, add)
      expect(distance(ours, theirs)).toBeLessThan(1e-5)
    }
  })

  test.each([
    ['table', tableExp, 1e-7],
    ['polynomial', polynomialExp, 4e-6],
  ] as const)('exp by %s, relative error', (_, exp, error) => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) * 0.0435)
    const out = new Float32Array(x.length)
    exp(out, x, x.length)
    expect(Math.max(...out.map((value, i) => Math.abs(value / Math.exp(x[i]) - 1)))).toBeLessThan(error)
  })

  test.each([
    [5, 2, 21],
    [4, 3, 35],
    [3, 0, 1],
  ])('monomials, d = %i, degree %i', (d, degree, t) => {
    const [x, ratios] = [normals(3 * d, 4), normals(t, 5)]
    const [ours, theirs] = [new Float32Array(3 * t), new Float32Array(3 * t)]
    suffixMonomials(ours, x, ratios, 3, d, degree)
    scalarKernels.monomials(theirs, x, ratios, 3, d, degree)
    expect(distance(ours, theirs)).toBe(0)
    suffixColumns(ours, x, ratios, 3, d, degree)
    expect(
      distance(
        ours,
        theirs.map((_, i) => theirs[(i % 3) * t + Math.floor(i / 3)]),
      ),
    ).toBe(0)
  })

  test('a table of monomials', () => {
    const [rows, d, t] = [3, 4, 30]
    const words = randomWords(2 * t, 9)
    const table = [
      Uint32Array.from({ length: t }, (_, f) => (f === 0 ? 0 : words[f] % f)),
      Uint32Array.from({ length: t }, (_, f) => words[t + f] % d),
      normals(t, 10),
    ] as const
    const z = scalarKernels.floats(d * rows)
    z.write(normals(d * rows, 11))
    const wanted = scalarKernels.floats(t * rows)
    scalarFeatureKernels.monomialTable(wanted, z, ...table, rows)
    const columns = new Float32Array(t * rows)
    tableColumns(columns, z.read(), ...table, rows)
    expect(distance(columns, wanted.read())).toBeLessThan(1e-5)
    const turned = z.read().map((_, i) => z.read()[(i % d) * rows + Math.floor(i / d)])
    const ours = new Float32Array(t * rows)
    tableRows(ours, turned, ...table, rows, d)
    expect(
      distance(
        ours,
        columns.map((_, i) => columns[(i % t) * rows + Math.floor(i / t)]),
      ),
    ).toBeLessThan(1e-5)
  })

  test('scatter, four nonzeros, also where targets meet', () => {
    const [block, factors] = [normals(6 * 5, 6), normals(24, 7)]
    const targets = randomWords(24, 8).map((word) => word % 3)
    const [ours, theirs] = [new Float32Array(15), new Float32Array(15)]
    scatterFour(ours, block, targets, factors, 6, 5)
    scalarSketchKernels.scatterAdd(theirs, block, targets, factors, 6, 4, 5)
    expect(distance(ours, theirs)).toBeLessThan(1e-5)
  })
})

function distance(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])))
}
