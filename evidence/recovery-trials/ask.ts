/**
 * `node evidence/recovery-trials/ask.ts [log2n,k,epsilon …]`: the failure rate of sparse recovery, cell by cell, over all
 * families and fresh seeds. Some ten minutes a cell of 2^18, an hour for all; cells that are named are measured again and the others kept.
 */
import { recoveryRows } from '@sublinear/sparse-recovery'
import { main, type Experiment } from '../kit/experiment.ts'
import { markdownTable } from '../kit/markdown.ts'
import { cells, nameOf, seedOf, type Cell, type CellResult, type FamilyResult } from './cells.ts'
import { families } from './families.ts'
import { trial } from './trial.ts'

function measured(cell: Cell): CellResult {
  const names = Object.keys(families)
  const results: FamilyResult[] = []
  for (const family of names) {
    const found = { family, trials: 0, failures: 0, wideFailures: 0, worst: 0, sample: [] as [number, number][] }
    for (; found.trials < Math.ceil(cell.trials / names.length); found.trials++) {
      const seed = seedOf(family, found.trials)
      const { ratio, success, wide } = trial(family, cell, seed)
      if (!success) found.failures++
      if (!wide) found.wideFailures++
      found.worst = Math.max(found.worst, ratio)
      if (found.trials < 4) found.sample.push([seed, ratio])
    }
    results.push(found)
    console.error(
      `${nameOf(cell)} ${family}: ${found.failures} of ${found.trials} failed, worst ${found.worst.toPrecision(4)}`,
    )
  }
  const { n, k, epsilon } = cell
  return { n, k, epsilon, m: recoveryRows(cell), families: results }
}

const total = (all: readonly number[]) => all.reduce((a, b) => a + b, 0)
const trialsOf = ({ families: all }: CellResult) => total(all.map(({ trials }) => trials))
const failuresOf = ({ families: all }: CellResult) => total(all.map(({ failures }) => failures))
const wideOf = ({ families: all }: CellResult) => total(all.map(({ wideFailures }) => wideFailures))

export const recoveryTrials: Experiment<readonly CellResult[]> = {
  name: 'recovery-trials',
  question: 'How often does sparse recovery fail?',
  inALine: (results) =>
    `${total(results.map(failuresOf))} of ${total(results.map(trialsOf))} trials failed, in ${results.length} cells of n, k and ε`,
  asks: 'How often does sparse recovery fail with k entries, and how often with 2k entries, over all families of inputs and fresh seeds?',
  run(wanted, { before = [], keep }) {
    const chosen = cells.filter((cell) => wanted.length === 0 || wanted.includes(nameOf(cell)))
    if (chosen.length < (wanted.length || 1))
      throw new RangeError(`recovery-trials: the cells are ${cells.map(nameOf).join(' ')}`)
    let results = before
    for (const cell of chosen) {
      const found = new Map(results.map((one) => [nameOf(one), one] as const)).set(nameOf(cell), measured(cell))
      results = cells.flatMap((one) => found.get(nameOf(one)) ?? [])
      keep(results)
    }
    return results
  },
  file: () => 'result.json',
  answer: (results) =>
    markdownTable(
      [
        'n',
        'k',
        'ε',
        'rows of Φ',
        'kinds of input',
        'trials',
        'failures',
        'with 2k entries',
        'largest error over the tail',
      ],
      results.map((one) => [
        `2^${Math.log2(one.n)}`,
        one.k,
        one.epsilon,
        one.m,
        one.families.length,
        trialsOf(one),
        failuresOf(one),
        wideOf(one),
        Math.max(...one.families.map(({ worst }) => worst)).toFixed(3),
      ]),
    ),
}

await main(import.meta.url, recoveryTrials)
