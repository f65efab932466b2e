import type { Seed, SketchMatrix } from '@sublinear/core'
import fc from 'fast-check'
import { insist, law, type Law } from './law'
import { uniforms } from './token-data'

export interface InnerProductLaw {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes the matrix of so many rows and a seed. */
  readonly make: (shape: { m: number; seed: Seed }) => SketchMatrix
  /** Number of rows of Ψ. Default 16. */
  readonly m?: number | undefined
  /** Number of columns used, a multiple of 4. Default 64. */
  readonly n?: number | undefined
  /** Number of matrices drawn, of the seeds from `firstSeed` on. Default 4000. */
  readonly seeds?: number | undefined
  /** The first of these seeds. Default 1. */
  readonly firstSeed?: number | undefined
  /** Index of the first column used; the others follow it. Default 0. */
  readonly first?: number | undefined
  /** Standard errors that are allowed. Default 5: a correct matrix fails a pair with probability 1.2e-6 over the choice of seeds. */
  readonly errors?: number | undefined
}

/** The variance Var⟨Ψu, Ψv⟩ over the seeds, in closed form. */
export type InnerProductVariance = (pair: { u: Float64Array; v: Float64Array; m: number }) => number

/**
 * The law of inner products: over many seeds E⟨Ψu, Ψv⟩ is ⟨u, v⟩, and Var⟨Ψu, Ψv⟩ is the closed form, tested from both sides. There is a law for each pair
 * of flat, sparse, power-law, orthogonal and adversarially aligned vectors. One more law, for m > 1: entries of Ψu in two rows are uncorrelated, which sees a
 * single row that is there twice (36 standard errors; the variance then is an eighth too large, 4 of them).
 *
 * Cost: `seeds` matrices of m rows, with n columns of each.
 *
 * @returns laws that throw where they are broken
 */
export function innerProductLaw(options: InnerProductLaw, variance: InnerProductVariance): Law[] {
  const { name, make, m = 16, n = 64, seeds = 4000, firstSeed = 1, first = 0, errors = 5 } = options
  const pairs = vectorPairs(n)
  const names = Object.keys(pairs)
  const firstOf = names[0]
  let drawn: Drawn | undefined

  /** Draws the estimates of every pair, seed by seed: all pairs are columns of one block. */
  const draw = () => {
    const width = 2 * names.length
    const block = { rows: n, cols: width, data: new Float32Array(n * width) }
    for (const [p, { u, v }] of Object.values(pairs).entries()) {
      for (let i = 0; i < n; i++) {
        block.data[i * width + 2 * p] = u[i]
        block.data[i * width + 2 * p + 1] = v[i]
      }
    }
    const estimates = names.map(() => new Float64Array(seeds))
    const [products, squares] = [new Float64Array(m * m), new Float64Array(m * m)]
    for (let s = 0; s < seeds; s++) {
      const into = { rows: m, cols: width, data: new Float32Array(m * width) }
      make({ m, seed: firstSeed + s }).accumulate(into, block, first)
      for (let r = 0; r < m; r++) {
        for (const [p, all] of estimates.entries())
          all[s] += into.data[r * width + 2 * p] * into.data[r * width + 2 * p + 1]
        for (let other = 0; other < r; other++) {
          const product = into.data[r * width] * into.data[other * width]
          products[r * m + other] += product
          squares[r * m + other] += product * product
        }
      }
    }
    return { estimates, products, squares }
  }

  const moments = names.map((pair, p) => {
    const { u, v } = pairs[pair]
    const about = {
      name: `${name}: mean and variance of ⟨Ψu, Ψv⟩, ${pair} vectors`,
      kills: [
        'signs that are only pairwise',
        'entries not scaled by 1/√m',
        'rows that repeat',
        'structure on consecutive keys',
      ],
      runs: 1,
    }
    return law(about, fc.constant(0), () => {
      const all = (drawn ??= draw()).estimates[p]
      const truth = u.reduce((sum, x, i) => sum + x * v[i], 0)
      const wanted = variance({ u, v, m })
      const { innerVariance = Infinity } = make({ m, seed: firstSeed })
      insist(
        wanted <= innerVariance * (norm(u) * norm(v)) ** 2 * (1 + 1e-12),
        `innerVariance is ${innerVariance}, and the variance of these vectors is beyond it`,
      )
      const mean = all.reduce((sum, x) => sum + x, 0) / seeds
      const moment = (power: number) => all.reduce((sum, x) => sum + (x - truth) ** power, 0) / seeds
      const rounding = 1e-6 * norm(u) * norm(v)
      const offMean = errors * Math.sqrt(wanted / seeds) + rounding
      insist(Math.abs(mean - truth) <= offMean, `the mean is ${mean}, not ${truth} to ${offMean}`)
      const second = moment(2)
      const offVariance = errors * Math.sqrt(Math.max(0, moment(4) - second * second) / seeds) + rounding * rounding
      insist(Math.abs(second - wanted) <= offVariance, `the variance is ${second}, not ${wanted} to ${offVariance}`)
    })
  })
  const about = { name: `${name}: two rows of Ψ are uncorrelated`, kills: ['one row that is there twice'], runs: 1 }
  const rows = law(about, fc.constant(0), () => {
    const { products, squares } = (drawn ??= draw())
    for (let r = 1; r < m; r++) {
      for (let other = 0; other < r; other++) {
        const at = r * m + other
        // One standard error more than above, since there are m(m − 1)/2 pairs.
        insist(
          Math.abs(products[at]) <= (errors + 1) * Math.sqrt(squares[at]),
          `rows ${other} and ${r} are correlated: ${firstOf} vectors have a mean product of ${products[at] / seeds}`,
        )
      }
    }
  })
  return m > 1 ? [...moments, rows] : moments
}

interface Drawn {
  /** ⟨Ψu, Ψv⟩ by pair and seed. */
  readonly estimates: readonly Float64Array[]
  /** Sums over the seeds of the products of two entries of Ψu, m × m, u being the first vector. */
  readonly products: Float64Array
  /** And of their squares. */
  readonly squares: Float64Array
}

const norm = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0))

/** Makes pairs of vectors. Entries are float32 numbers, so that the closed form holds for exactly the vectors that are sketched. */
function vectorPairs(n: number): Record<string, { u: Float64Array; v: Float64Array }> {
  const vector = (entry: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => Math.fround(entry(i)))
  const noise = uniforms(2 * n, 5, 30)
  const at = (i: number) => noise[i]
  return {
    'equal flat': { u: vector(() => 1), v: vector(() => 1) },
    'orthogonal flat': { u: vector(() => 1), v: vector((i) => ((i >> 1) % 2 ? -1 : 1)) },
    sparse: { u: vector((i) => Number(i % 16 === 3)), v: vector((i) => Number(i % 32 === 3) + Number(i % 16 === 5)) },
    'power-law': { u: vector((i) => Math.sign(at(i)) / (i + 1)), v: vector((i) => 1 / (i + 1)) },
    // Consecutive indices in opposite halves: a sign of period 2 or 4 gets them wrong every time.
    'adversarially aligned': {
      u: vector((i) => (i % 4 < 2 ? 1 : -1)),
      v: vector((i) => (i % 2 ? -1 : 1) * (i < n / 2 ? 1 : 0.5)),
    },
    random: { u: vector(at), v: vector((i) => at(n + i) + at(i) / 2) },
  }
}
