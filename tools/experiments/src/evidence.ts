/**
 * `pnpm --filter @sublinear/experiments run evidence [method | --collect]`: what two language models lose when all heads read through a
 * bounded stream: needles and bits per byte, every method and budget. Two processes; each cell is kept in cache/evidence as it ends, so that a run may
 * be stopped and go on later; --collect writes what is finished. Writes results/evidence*.json, the pictures and the tables of docs/evidence.md.
 */
import { pathToFileURL } from 'node:url'
import { allCells } from './evidence/cells.ts'
import { makeRecipes } from './evidence/recipes.ts'
import { finished, runCells } from './evidence/run-cells.ts'
import { writeEvidence } from './evidence/write-evidence.ts'

const PROCESSES = 2
const say = (words: string) => process.stderr.write(`${words}\n`)

async function run([what]: readonly string[]): Promise<void> {
  const cells = allCells().filter(({ method }) => what === undefined || what === '--collect' || method === what)
  if (what === '--collect') return writeEvidence(finished(cells))
  makeRecipes(
    cells.filter(({ method }) => method === 'autoStream'),
    (name) => say(`recipes ${name}`),
  )
  await runCells(cells, PROCESSES, (done, of, last) => say(`${done} of ${of}: ${last}`))
  writeEvidence(finished(allCells()))
}

if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url) await run(process.argv.slice(2))
