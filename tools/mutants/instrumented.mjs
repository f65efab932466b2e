import { readFileSync } from 'node:fs'
import { Instrumenter } from '@stryker-mutator/instrumenter'

/**
 * Sources with Stryker's mutants in them, each behind a switch of its own, by the instrumenter that Stryker itself uses.
 *
 * @param {readonly string[]} files  paths
 * @param {Readonly<Record<string, readonly object[]>>} [places]  by path, the only locations that get mutants: switches cost time in a loop
 * @returns the mutants, and the texts by path
 */
export async function instrumented(files, places) {
  const quiet = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false }
  const given = files
    .toSorted()
    .filter((name) => !places || places[name])
    .map((name) => ({ name, mutate: places?.[name] ?? true, content: readFileSync(name, 'utf8') }))
  const options = { plugins: null, excludedMutations: [], ignorers: [], noHeader: false }
  const made = await new Instrumenter(quiet).instrument(given, options)
  return {
    mutants: made.mutants.filter(({ status }) => status === undefined),
    texts: new Map(made.files.map(({ name, content }) => [name, content])),
  }
}
