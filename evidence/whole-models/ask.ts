/**
 * `node evidence/whole-models/ask.ts [--held-out] [--fresh | --collect] [method …] [1/share …]`: what two language models lose when all heads read
 * through a bounded stream: needles and bits per byte, every method and budget. Two processes; recipes and cells are kept in cache/whole-models
 * as they end, so that a run may be stopped and go on later. --fresh forgets them first (after any change of a stream), --held-out asks other prompts
 * with the recipes as they are, --collect writes what is finished. With names of methods and shares their cells and recipes alone are run, and the committed ones of the others stay.
 * Writes result.json or held-out.json, the pictures and the tables of docs/evidence.md.
 */
import { main, type Experiment } from '../kit/experiment.ts'
import { allCells, heldOutCells, MODELS, nameOf } from './cells.ts'
import { droppingCells } from './dropping.ts'
import { cellJobs, finished, forget, runJobs, type Job } from './jobs.ts'
import { learningCells } from './learning.ts'
import { calibrationHeads, recipeJobs, writeRecipes } from './recipes.ts'
import type { CellResult } from './run-cell.ts'
import { committedEvidence, type Evidence } from './results.ts'
import { claims, claimTable, shareName } from './tables.ts'
import { hasRecipes, inMetricCells } from './in-metric.ts'
import { pictures, showEvidence, writeEvidence } from './write-evidence.ts'

const PROCESSES = 2
const isShare = (name: string) => name.startsWith('1/')
const say = (done: number, of: number, last: string) => process.stderr.write(`${done} of ${of}: ${last}\n`)

async function run(options: readonly string[]): Promise<Evidence> {
  const isHeldOut = options.includes('--held-out')
  const all = isHeldOut
    ? cellJobs('held-out', [...heldOutCells(), ...droppingCells(), ...inMetricCells([8])])
    : cellJobs('evidence', [...allCells(), ...droppingCells(), ...learningCells(), ...inMetricCells()])
  const named = options.filter((option) => !option.startsWith('--'))
  const methods = named.filter((name) => !isShare(name))
  const shares = named.filter(isShare)
  const isAsked = (share: number) => shares.length === 0 || shares.includes(shareName(share))
  const cells = all.filter(
    ({ cell: { method, share } }) => isAsked(share) && (methods.length === 0 || methods.includes(method)),
  )
  if (cells.length === 0) throw new RangeError(`whole-models: there are no cells of ${named.join(', ')}`)
  const calibrated = [...new Set(cells.map(({ cell }) => cell.method))].filter(
    (method) => !isHeldOut && hasRecipes(method),
  )
  const recipes = calibrated.flatMap(recipeJobs).filter(({ share }) => isAsked(share))
  const jobs: readonly Job[] = [...recipes, ...cells]
  const write = (minutes?: number): Evidence => {
    const name = isHeldOut ? 'held-out' : 'result'
    const found = finished(cells).map(({ result, seconds }) => ({ cell: result as CellResult, seconds }))
    if (named.length === 0) {
      const seconds = finished(jobs).reduce((sum, done) => sum + done.seconds, 0)
      writeEvidence(name, { cpuMinutes: seconds / 60, minutes, cells: found.map(({ cell }) => cell) })
      return committedEvidence()
    }
    const before = committedEvidence(name)
    const known = new Map(before.cells.map((cell) => [nameOf(cell), cell]))
    const anew = new Map(found.map(({ cell }) => [nameOf(cell), cell]))
    const more = found.filter(({ cell }) => !known.has(nameOf(cell))).reduce((sum, { seconds }) => sum + seconds, 0)
    writeEvidence(name, {
      ...(before.cpuMinutes !== undefined && { cpuMinutes: before.cpuMinutes + more / 60 }), // a cell that is run again takes what it took
      minutes: undefined,
      cells: all.flatMap(({ cell }) => anew.get(nameOf(cell)) ?? known.get(nameOf(cell)) ?? []),
    })
    return committedEvidence()
  }
  if (options.includes('--collect')) return write()
  if (options.includes('--fresh')) forget(jobs)
  const isWhole = finished(jobs).length === 0
  const start = performance.now()
  const [advised, others] = [true, false].map((is) => cells.filter(({ cell }) => hasRecipes(cell.method) === is))
  await runJobs(others, PROCESSES, say)
  if (recipes.length > 0) {
    for (const model of MODELS) calibrationHeads(model)
    await runJobs(recipes, PROCESSES, say)
    writeRecipes(recipes)
  }
  await runJobs(advised, PROCESSES, say)
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
