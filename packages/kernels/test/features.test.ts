// Kills: a suffix count off by one, ratios indexed by the run instead of the feature, a run that overruns its row, signs read
// from the highest bit first, a product that one of the kernels does not round, a word shared by two rows, factors of the wrong row, colliding targets added once.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { numbers, place, words, worst } from './oracle'

const both = [simdKernels(), scalarKernels]

/** Exponent lists in graded order: within a degree, by the least index, then by the rest of the monomial. */
function gradedMonomials(d: number, degree: number): number[][] {
  let previous: number[][] = [[]]
  const all = [...previous]
  for (let g = 1; g <= degree; g++) {
    const next: number[][] = []
    for (let i = 0; i < d; i++) {
      for (const rest of previous) if (rest.every((j) => j >= i)) next.push([i, ...rest])
    }
    all.push(...next)
    previous = next
  }
  return all
}

describe.each(both)('monomials of the $name kernels', (kernels) => {
  const sizes = [
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 0, max: 5 }),
  ] as const
  test.prop([...sizes, fc.integer({ min: 0, max: 3 }), fc.nat(1e6)], { seed: 15, numRuns: 120 })(
    'are the enumerated products times their ratios',
    (rows, d, degree, resident, seed) => {
      const list = gradedMonomials(d, degree)
      const x = numbers(seed, rows * d, 2)
      const out = place(kernels, new Float32Array(rows * list.length), (resident & 1) > 0)
      const from = place(kernels, x, (resident & 2) > 0)
      // ratios accumulate along a monomial, since each block is built from the scaled one before it
      const ratios = numbers(seed + 1, list.length).map((r) => r + 2)
      const index = new Map(list.map((monomial, f) => [monomial.join(), f]))
      kernels.monomials(out.operand, from.operand, ratios, rows, d, degree)
      const want = (r: number, monomial: number[]): number => {
        const ratio = ratios[index.get(monomial.join())!]
        return monomial.length === 0 ? ratio : x[r * d + monomial[0]] * want(r, monomial.slice(1)) * ratio
      }
      const expected = Array.from({ length: rows }, (_, r) => list.map((monomial) => want(r, monomial))).flat()
      expect(worst(out.result(), expected, (i) => Math.abs(expected[i]))).toBeLessThan(1e-5)
    },
  )

  it.each([
    [32, 2, 561],
    [16, 4, 4845],
    [3, 60, 39711],
  ])('of %i variables to degree %i, many rows through the scratch', (d, degree, t) => {
    const x = numbers(16, 50 * d, 1)
    const ratios = new Float32Array(t).fill(1)
    const out = new Float32Array(50 * t + 1)
    kernels.monomials(out, x, ratios, 50, d, degree)
    for (const r of [0, 17, 49]) {
      // The last feature is the last variable to the degree; the linear ones are the row itself.
      expect(out[(r + 1) * t - 1]).toBeCloseTo(x[(r + 1) * d - 1] ** degree, 5)
      expect(out.subarray(r * t + 1, r * t + 1 + d)).toEqual(x.subarray(r * d, (r + 1) * d))
    }
    expect(out[50 * t]).toBe(0)
  })
})

test.prop(
  [fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 5 }), fc.nat(1e6)],
  {
    seed: 16,
    numRuns: 60,
  },
)('monomials, by rows and by columns, are the same bits from both kernels', (rows, d, degree, seed) => {
  const t = gradedMonomials(d, degree).length
  const [x, shift, ratios] = [numbers(seed, rows * d, 2), numbers(seed + 1, d), numbers(seed + 2, t)]
  const results = both.map((kernels) => {
    const [byRows, columns] = [new Float32Array(rows * t), kernels.floats(rows * t)]
    kernels.monomials(byRows, x, ratios, rows, d, degree)
    kernels.monomialColumns(columns, x, shift, 1 / 3, ratios, rows, d, degree)
    return [byRows, columns.read()]
  })
  expect(results[1]).toEqual(results[0])
})

describe.each(both)('expandSigns of the $name kernels', (kernels) => {
  const sizes = [
    fc.integer({ min: 0, max: 20 }),
    fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(70_001)),
  ] as const
  test.prop([...sizes, fc.boolean(), fc.nat(1e6)], { seed: 17, numRuns: 60 })(
    'reads bits lowest first',
    (rows, count, resident, seed) => {
      const perRow = Math.ceil(count / 32)
      const bits = Uint32Array.from({ length: rows * perRow }, words(seed))
      const out = place(kernels, new Float32Array(rows * count), resident)
      kernels.expandSigns(out.operand, bits, rows, count, 0.25)
      const got = out.result()
      const wrong = got.findIndex((x, i) => {
        const column = i % count
        const word = bits[Math.floor(i / count) * perRow + Math.floor(column / 32)]
        return x !== (Math.floor(word / 2 ** (column % 32)) % 2 === 1 ? -0.25 : 0.25)
      })
      expect(wrong).toBe(-1)
    },
  )
})

describe.each(both)('scatterAdd of the $name kernels', (kernels) => {
  const sizes = [
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 0, max: 5 }),
  ] as const
  test.prop([...sizes, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 3 }), fc.nat(1e6)], {
    seed: 18,
    numRuns: 120,
  })('adds every row to its targets, collisions too', (m, rows, nonzeros, width, resident, seed) => {
    const start = numbers(seed, m * width)
    const block = numbers(seed + 1, rows * width)
    const factors = numbers(seed + 2, rows * nonzeros)
    const next = words(seed + 3)
    const targets = Uint32Array.from({ length: rows * nonzeros }, () => next() % m)
    const out = place(kernels, start.slice(), (resident & 1) > 0)
    const from = place(kernels, block, (resident & 2) > 0)
    kernels.scatterAdd(out.operand, from.operand, targets, factors, rows, nonzeros, width)
    const want = Float64Array.from(start)
    targets.forEach((target, e) => {
      const r = Math.floor(e / nonzeros)
      for (let c = 0; c < width; c++) want[target * width + c] += factors[e] * block[r * width + c]
    })
    expect(worst(out.result(), want, () => 1)).toBeLessThan(1e-5)
  })

  it('adds to an ordinary array too large to copy', () => {
    const out = new Float32Array(1 << 20)
    kernels.scatterAdd(out, Float32Array.of(1, 2), Uint32Array.of(0, 524287), Float32Array.of(3, -1), 1, 2, 2)
    expect([out[0], out[1], out[2], out[(1 << 20) - 2], out[(1 << 20) - 1]]).toEqual([3, 6, 0, -1, -2])
  })
})
