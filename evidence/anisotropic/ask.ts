/**
 * Anisotropic monomials against what else fits in as little memory, on synthetic keys and on captured heads: `node evidence/anisotropic/ask.ts`, under a minute.
 */
import { cells, tokensOf, type Tokens } from './cells.ts'
import { headsOf } from './heads.ts'
import { errorOf, methods } from './methods.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { pictureOf, tableOf, type CellResult, type Result } from './table.ts'

const [n, queries] = [2048, 256]
const seeds = [101, 102, 103] // nothing was tuned on these

/** Every method's mean error and share of fallbacks over several data sets. */
function measured(all: readonly { readonly seed: number; readonly tokens: Tokens }[]): CellResult['methods'] {
  const found = Object.entries(methods).map(([name, method]) => {
    const runs = all.map(({ seed, tokens }) => {
      const { output, fallbacks } = method(tokens, seed)
      return { error: errorOf(output, tokens), fallbacks: fallbacks / tokens.queries.rows }
    })
    const mean = (of: (run: (typeof runs)[number]) => number) =>
      rounded(runs.reduce((sum, run) => sum + of(run), 0) / runs.length)
    return [name, { error: mean((run) => run.error), fallbacks: mean((run) => run.fallbacks) }] as const
  })
  return Object.fromEntries(found)
}

function run(): Result {
  const results = cells.map((cell) => {
    const found = measured(seeds.map((seed) => ({ seed, tokens: tokensOf(cell, n, queries, seed) })))
    console.error(cell.decay, cell.data, cell.std, JSON.stringify(found))
    return { ...cell, methods: found }
  })
  const heads = ['bounded', 'sharp'].map((model) => {
    const found = measured(headsOf(model).map((tokens, seed) => ({ seed, tokens })))
    console.error(model, JSON.stringify(found))
    return { model, methods: found }
  })
  return { n, queries, seeds, cells: results, heads }
}

/** Three digits, so that another engine's last bits change nothing. */
function rounded(x: number): number {
  return Number(x.toPrecision(3))
}

export const anisotropic: Experiment<Result> = {
  name: 'anisotropic',
  question: 'Which monomials matter: are anisotropic features better than other streams of the same memory?',
  inALine({ cells, heads }) {
    const errors = (method: string) => cells.map(({ methods }) => methods[method].error)
    const [own, other] = [errors(OWN), errors(TAYLOR)]
    const wins = own.filter((error, i) => error < other[i]).length
    const real = heads.map(({ model, methods }) => `${methods[OWN].error.toFixed(2)} on ${model} heads`)
    return `256 features with 32 far keys are better than Taylor features of degree 1 in ${wins} of ${own.length} synthetic cells; their error is ${real.join(', ')}, where the mean value has 1`
  },
  asks: 'How do anisotropic monomials compare with other streams of the same memory, on synthetic keys and on captured heads?',
  run,
  answer: tableOf,
  picture: pictureOf,
}

const [OWN, TAYLOR] = ['t = 256, 32 far keys', 'Taylor degree 1 (t = d + 1), 32 far keys'] as const

await main(import.meta.url, anisotropic)
