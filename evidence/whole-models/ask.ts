/**
 * `node evidence/whole-models/ask.ts [--held-out] [--fresh | --collect]`: what two language models lose when all heads read
 * through a bounded stream: needles and bits per byte, every method and budget. Two processes; recipes and cells are kept in cache/whole-models
 * as they end, so that a run may be stopped and go on later. --fresh forgets them first (after any change of a stream), --held-out asks other prompts
 * with the recipes as they are, --collect writes what is finished. Writes result.json or held-out.json, the pictures and the tables of docs/evidence.md.
 */
import { main, type Experiment } from '../kit/experiment.ts'
import { allCells, heldOutCells, MODELS } from './cells.ts'
import { droppingCells } from './dropping.ts'
import { cellJobs, finished, forget, runJobs, type Job } from './jobs.ts'
import { calibrationHeads, recipeJobs, writeRecipes } from './recipes.ts'
import type { CellResult } from './run-cell.ts'
import { committedEvidence, type Evidence } from './results.ts'
import { claims, claimTable } from './tables.ts'
import { pictures, showEvidence, writeEvidence } from './write-evidence.ts'

const PROCESSES = 2
const say = (done: number, of: number, last: string) => process.stderr.write(`${done} of ${of}: ${last}\n`)

async function run(options: readonly string[]): Promise<Evidence> {
  const isHeldOut = options.includes('--held-out')
  const recipes = recipeJobs()
  const cells = isHeldOut
    ? cellJobs('held-out', [...heldOutCells(), ...droppingCells()])
    : cellJobs('evidence', [...allCells(), ...droppingCells()])
  const jobs: readonly Job[] = isHeldOut ? cells : [...recipes, ...cells]
  const write = (minutes?: number): Evidence => {
    const seconds = finished(jobs).reduce((sum, done) => sum + done.seconds, 0)
    const found = finished(cells).map(({ result }) => result as CellResult)
    writeEvidence(isHeldOut ? 'held-out' : 'result', { cpuMinutes: seconds / 60, minutes, cells: found })
    return committedEvidence()
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
  return write(isWhole ? (performance.now() - start) / 60_000 : undefined)
}

export const wholeModels: Experiment<Evidence> = {
  name: 'whole-models',
  question: 'What does a whole model lose when all its heads read through a bounded stream?',
  inALine(evidence) {
    const [needles, bits] = claims(evidence)
    return `auto at 1/8 of the bytes against exact attention: needles answered, as a ratio: ${needles.found}; bits per byte of text: ${bits.found}`
  },
  asks: 'What do two language models lose when all heads read through a bounded stream, in needles and bits per byte, for every method and budget? [The evidence](../../docs/evidence.md) has the conditions and all tables, and says what follows.',
  run,
  answer: claimTable,
  picture: (evidence) => pictures(evidence)['picture'],
  read: committedEvidence,
  elsewhere: showEvidence,
}

await main(import.meta.url, wholeModels)
