/**
 * `node evidence/recovery-trials/ask.ts [log2n,k,epsilon …]`: the failure rate of sparse recovery, cell by cell, over all
 * families and fresh seeds; writes results/recovery-trials/<cell>.json. Some ten minutes a cell of 2^18, an hour for all.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { recoveryRows } from '@sublinear/sparse-recovery'
import { cells, nameOf, seedOf, type CellResult, type FamilyResult } from './cells.ts'
import { families } from './families.ts'
import { trial } from './trial.ts'

const wanted = process.argv.slice(2)
const chosen = cells.filter((cell) => wanted.length === 0 || wanted.includes(nameOf(cell)))
if (chosen.length < (wanted.length || 1)) {
  console.error(`recovery-trials: the cells are ${cells.map(nameOf).join(' ')}`)
  process.exit(1)
}
const folder = new URL('./cells/', import.meta.url)
mkdirSync(folder, { recursive: true })

for (const cell of chosen) {
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
    console.log(
      `${nameOf(cell)} ${family}: ${found.failures} of ${found.trials} failed, worst ${found.worst.toPrecision(4)}`,
    )
  }
  const { n, k, epsilon } = cell
  const whole: CellResult = { n, k, epsilon, m: recoveryRows(cell), families: results }
  writeFileSync(new URL(`${nameOf(cell)}.json`, folder), `${JSON.stringify(whole, null, 2)}\n`)
}
