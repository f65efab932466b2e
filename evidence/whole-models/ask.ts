/**
 * `node evidence/whole-models/ask.ts [--held-out] [--fresh | --collect]`: what two language models lose when all heads read
 * through a bounded stream: needles and bits per byte, every method and budget. Two processes; recipes and cells are kept in cache/evidence
 * as they end, so that a run may be stopped and go on later. --fresh forgets them first (after any change of a stream), --held-out asks other prompts
 * with the recipes as they are, --collect writes what is finished. Writes results/evidence*.json, the pictures and the tables of docs/evidence.md.
 */
import { pathToFileURL } from 'node:url'
import { allCells, heldOutCells, MODELS } from './cells.ts'
import { droppingCells } from './dropping.ts'
import { cellJobs, finished, forget, runJobs, type Job } from './jobs.ts'
import { calibrationHeads, recipeJobs, writeRecipes } from './recipes.ts'
import type { CellResult } from './run-cell.ts'
import { writeEvidence } from './write-evidence.ts'

const PROCESSES = 2
const say = (done: number, of: number, last: string) => process.stderr.write(`${done} of ${of}: ${last}\n`)

async function run(options: readonly string[]): Promise<void> {
  const isHeldOut = options.includes('--held-out')
  const recipes = recipeJobs()
  const cells = isHeldOut
    ? cellJobs('held-out', [...heldOutCells(), ...droppingCells()])
    : cellJobs('evidence', [...allCells(), ...droppingCells()])
  const jobs: readonly Job[] = isHeldOut ? cells : [...recipes, ...cells]
  const write = (minutes?: number) => {
    const seconds = finished(jobs).reduce((sum, done) => sum + done.seconds, 0)
    const found = finished(cells).map(({ result }) => result as CellResult)
    writeEvidence(isHeldOut ? 'held-out' : 'result', { cpuMinutes: seconds / 60, minutes, cells: found })
  }
  if (options.includes('--collect')) return write()
  if (options.includes('--fresh')) forget(jobs)
  const isWhole = finished(jobs).length === 0
  const start = performance.now()
  const [calibrated, others] = [true, false].map((is) => cells.filter(({ cell }) => (cell.method === 'auto') === is))
  await runJobs(others, PROCESSES, say)
  if (!isHeldOut) {
    for (const model of MODELS) calibrationHeads(model)
    await runJobs(recipes, PROCESSES, say)
    writeRecipes()
  }
  await runJobs(calibrated, PROCESSES, say)
  write(isWhole ? (performance.now() - start) / 60_000 : undefined)
}

if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url) await run(process.argv.slice(2))
