import {
  featureKernels,
  kernels,
  scalarKernels,
  scalarSketchKernels,
  sketchKernels,
  type Resident,
  type SketchKernels,
} from '@sublinear/kernels'
import { mathExp, polynomialExp, tableExp } from '../baselines/exponential.ts'
import { suffixColumns, suffixMonomials, tableColumns, tableRows } from '../baselines/monomials.ts'
import { tiledProduct } from '../baselines/product.ts'
import { scatterFour } from '../baselines/scatter.ts'
import { PEAK, peak } from '../peak.ts'
import { normals, randomWords } from '../random.ts'
import { timed, type Case, type Group, type Suite } from '../suite.ts'

/** Name of the package's kernels in plain JavaScript, the fallback without SIMD. */
const SCALAR = 'scalar kernels'
/** Name of the best plain JavaScript found for the job, in src/baselines. */
const TILED = 'tiled JS'

export const suite: Suite = {
  name: 'kernels',
  rounds: 21,
  groups: () => [
    productGroup('scores: 256×64 · (256×64)ᵀ', 'nt', 256, 64, 256),
    productGroup('state update: (64×561)ᵀ · 64×32, added', 'tn', 561, 64, 32),
    expGroup(4096),
    signGroup(1024, 64, 64),
    monomialsGroup(32, 2, 561),
    monomialsGroup(64, 2, 2145),
    monomialsGroup(16, 3, 969),
    tableGroup(64, 256),
    tableGroup(64, 1024),
    scatterGroup(1024, 64, 64),
  ],
}

/** An array in the kernels' own memory. */
function resident(values: Float32Array): Resident<Float32Array> {
  const kept = kernels().floats(values.length)
  kept.write(values)
  return kept
}

function productGroup(name: string, form: 'nt' | 'tn', rows: number, inner: number, cols: number): Group {
  const a = normals(rows * inner, 1)
  const b = normals(inner * cols, 2)
  const out = new Float32Array(rows * cols)
  const [ra, rb, ro] = [a, b, out].map(resident)
  const add = form === 'tn'
  const product = (name: string, run: () => void, against: string[]): Case => ({
    ...timed(name, run, against),
    operations: 2 * rows * inner * cols,
  })
  const scalar = () => scalarKernels.product(form, out, a, b, rows, inner, cols, add)
  const tiled = () => tiledProduct(form, out, a, b, rows, inner, cols, add)
  const inPlace = () => kernels().product(form, ro, ra, rb, rows, inner, cols, add)
  const copied = () => kernels().product(form, out, a, b, rows, inner, cols, add)
  return {
    name,
    unit: { name: 'µs' },
    cases: [
      peak(),
      product(SCALAR, scalar, []),
      product(TILED, tiled, []),
      product('kernels, in place', inPlace, [TILED, SCALAR, PEAK]),
      product('kernels, copied', copied, [TILED, SCALAR, PEAK]),
    ],
  }
}

function expGroup(count: number): Group {
  const x = normals(count, 3).map((v) => -Math.abs(5 * v))
  const out = new Float32Array(count)
  const [rx, ro] = [x, out].map(resident)
  const [MATH, POLYNOMIAL, TABLE] = ['Math.exp', 'polynomial JS', 'table and cubic JS']
  return {
    name: `exp of a row of ${count}`,
    unit: { name: 'ns', of: 'entry', count },
    cases: [
      timed(MATH, () => mathExp(out, x, count)),
      timed(POLYNOMIAL, () => polynomialExp(out, x, count)),
      timed(TABLE, () => tableExp(out, x, count)),
      timed('kernels, in place', () => kernels().exp(ro, rx, count), [MATH, POLYNOMIAL, TABLE]),
      timed('kernels, copied', () => kernels().exp(out, x, count), [MATH, POLYNOMIAL, TABLE]),
    ],
  }
}

/** state (m × w) += Ψ·block for signs given as words; JavaScript gets Ψ expanded already. */
function signGroup(m: number, rows: number, w: number): Group {
  const words = randomWords((m * rows) / 32, 4)
  const unit = 1 / Math.sqrt(m)
  const block = normals(rows * w, 5)
  const state = new Float32Array(m * w)
  const signs = new Float32Array(m * rows)
  scalarSketchKernels.expandSigns(signs, words, m, rows, unit)
  const [rg, rb, rs] = [signs, block, state].map(resident)
  const both = (values: typeof rb | Float32Array, into: typeof rs | Float32Array) => () => {
    sketchKernels().expandSigns(rg, words, m, rows, unit)
    kernels().product('nn', into, rg, values, m, rows, w, true)
  }
  const GIVEN = 'tiled JS, signs given'
  return {
    name: `sign block: m = ${m}, ${rows} rows of ${w}`,
    unit: { name: 'µs', of: 'row', count: rows },
    cases: [
      timed('scalar kernels, signs given', () => scalarKernels.product('nn', state, signs, block, m, rows, w, true)),
      timed(GIVEN, () => tiledProduct('nn', state, signs, block, m, rows, w, true)),
      timed('kernels, in place', both(rb, rs), [GIVEN]),
      timed('kernels, copied', both(block, state), [GIVEN]),
    ],
  }
}

function monomialsGroup(d: number, degree: number, t: number): Group {
  const rows = 64
  const x = normals(rows * d, 6)
  const ratios = normals(t, 7).map(Math.abs)
  const out = new Float32Array(rows * t)
  const [rx, ro] = [x, out].map(resident)
  const zero = new Float32Array(d)
  const [SUFFIX, COLUMNS] = ['suffix JS', 'suffix JS, feature by feature']
  return {
    name: `monomials: d = ${d}, degree ${degree}, t = ${t}`,
    unit: { name: 'ns', of: 'row', count: rows },
    cases: [
      timed(SCALAR, () => scalarKernels.monomials(out, x, ratios, rows, d, degree)),
      timed(SUFFIX, () => suffixMonomials(out, x, ratios, rows, d, degree)),
      timed(COLUMNS, () => suffixColumns(out, x, ratios, rows, d, degree)),
      timed('kernels, in place', () => kernels().monomials(ro, rx, ratios, rows, d, degree), [SUFFIX, SCALAR]),
      timed('kernels, copied', () => kernels().monomials(out, x, ratios, rows, d, degree), [SUFFIX, SCALAR]),
      timed('kernels, feature by feature', () => kernels().monomialColumns(ro, rx, zero, 1, ratios, rows, d, degree), [
        COLUMNS,
        SUFFIX,
      ]),
    ],
  }
}

/** Monomials of tables such as anisotropic maps have: low degrees of many variables, high degrees of the first. */
function tableGroup(d: number, t: number): Group {
  const rows = 64
  const words = randomWords(2 * t, 11)
  const parents = Uint32Array.from({ length: t }, (_, f) => (f <= d ? 0 : words[f] % (f >> 1)))
  const coordinates = Uint32Array.from({ length: t }, (_, f) =>
    f === 0 ? 0 : f <= d ? f - 1 : (words[t + f] % d) >> (words[f] & 3),
  )
  const factors = normals(t, 12).map(Math.abs)
  const x = normals(rows * d, 13)
  const out = new Float32Array(rows * t)
  const [rx, ro] = [x, out].map(resident)
  const [ROWS, COLUMNS] = ['JS, row by row', 'JS, feature by feature']
  const table = [parents, coordinates, factors] as const
  return {
    name: `table of monomials: d = ${d}, t = ${t}`,
    unit: { name: 'ns', of: 'row', count: rows },
    cases: [
      timed(ROWS, () => tableRows(out, x, ...table, rows, d)),
      timed(COLUMNS, () => tableColumns(out, x, ...table, rows)),
      timed('kernels, feature by feature', () => featureKernels().monomialTable(ro, rx, ...table, rows), [
        ROWS,
        COLUMNS,
      ]),
    ],
  }
}

function scatterGroup(m: number, rows: number, width: number): Group {
  const nonzeros = 4
  const block = normals(rows * width, 8)
  const targets = randomWords(rows * nonzeros, 9).map((word) => word % m)
  const factors = normals(rows * nonzeros, 10).map(Math.sign)
  const out = new Float32Array(m * width)
  const [rb, ro] = [block, out].map(resident)
  const scatter = (use: SketchKernels, into: typeof ro | Float32Array, from: typeof rb | Float32Array) => () =>
    use.scatterAdd(into, from, targets, factors, rows, nonzeros, width)
  return {
    name: `scatter add: ${nonzeros} of m = ${m}, rows of ${width}`,
    unit: { name: 'ns', of: 'row', count: rows },
    cases: [
      timed(SCALAR, scatter(scalarSketchKernels, out, block)),
      timed(TILED, () => scatterFour(out, block, targets, factors, rows, width)),
      timed('kernels, in place', scatter(sketchKernels(), ro, rb), [TILED, SCALAR]),
      timed('kernels, copied', scatter(sketchKernels(), out, block), [TILED, SCALAR]),
    ],
  }
}
