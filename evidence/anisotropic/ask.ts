/**
 * Anisotropic monomials against what else fits in as little memory, on synthetic keys and on captured heads: `node src/anisotropic.ts`, under a minute.
 * Writes result.json and the table of docs/measured/feature-maps.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cells, tokensOf, type Tokens } from './cells.ts'
import { headsOf } from './heads.ts'
import { errorOf, methods } from './methods.ts'
import { withTable, type CellResult, type Result } from './table.ts'

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

const results = cells.map((cell) => {
  const found = measured(seeds.map((seed) => ({ seed, tokens: tokensOf(cell, n, queries, seed) })))
  console.log(cell.decay, cell.data, cell.std, JSON.stringify(found))
  return { ...cell, methods: found }
})
const heads = ['bounded', 'sharp'].map((model) => {
  const found = measured(headsOf(model).map((tokens, seed) => ({ seed, tokens })))
  console.log(model, JSON.stringify(found))
  return { model, methods: found }
})
const result: Result = { n, queries, seeds, cells: results, heads }
writeFileSync(new URL('./result.json', import.meta.url), `${JSON.stringify(result, undefined, 1)}\n`)
const readme = fileURLToPath(new URL('../../docs/measured/feature-maps.md', import.meta.url))
writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), result))

/** Three digits, so that another engine's last bits change nothing. */
function rounded(x: number): number {
  return Number(x.toPrecision(3))
}
