import { crc32 } from '@sublinear/core'
import type { LanguageModel } from '@sublinear/small-lm'
import { openModel } from '../models'
import { refuseReport } from '../report-file'
import { commandLine } from '../reproduce'
import { cellsOf, type EvaluationFlags } from './options'
import { openResume } from './resume-file'
import { summarised, type Evaluation } from './results'
import { readRecipes, writeRecipes, type Recipes } from './recipes-file'
import { calibrateAll, readAll, type Running } from './run-all'
import { keyOf, type Cell, type ModelRecipes, type Protocol } from './task'
import { openTextNamed } from './texts'

/** What recipes are made from: none of the text that is then read. */
const CALIBRATION_TEXT = 'revelation'
const OTHER_TEXT = 'romans'

interface Evaluated {
  readonly flags: EvaluationFlags
  readonly signal: AbortSignal
  readonly protocolOf: (text: { readonly text: string; readonly crc: number }) => Protocol
  /** Texts, or windows, of a cell; throws where the cell cannot be. */
  readonly trialsOf: (tokens: number, ids: Uint16Array, model: LanguageModel) => number
}

/** Everything that was asked for, from the resume file as far as it is there. */
export async function evaluate({ flags, signal, protocolOf, trialsOf }: Evaluated): Promise<Evaluation> {
  if (flags.report !== undefined) await refuseReport(flags.report)
  const bytes = openTextNamed(flags.text)
  const models = new Map(flags.models.map((name) => [name, openModel(name)]))
  const counted = new Map<string, number>()
  for (const [name, model] of models) {
    const ids = model.tokenizer.encode(bytes)
    for (const tokens of flags.lengths) counted.set(`${name} ${tokens}`, trialsOf(tokens, ids, model))
  }
  const trials = ({ model, tokens }: Cell) => counted.get(`${model} ${tokens}`)!
  const protocol = protocolOf({ text: flags.text, crc: crc32(bytes) })
  const cells = cellsOf(flags)
  const resume = openResume(flags.resume, protocol)
  try {
    const running = { workers: flags.workers, signal, quiet: Boolean(flags.quiet || flags.json) }
    const isKnown = (cell: Cell, trial: number) => resume.known.has(keyOf(cell, trial))
    const trialsLeft = (cell: Cell) =>
      Array.from({ length: trials(cell) }, (_, trial) => trial).filter((trial) => !isKnown(cell, trial))
    const left = cells.filter((cell) => trialsLeft(cell).length > 0)
    const recipes = await recipesFor(left, flags, running)
    const tasks = left.flatMap((cell) => {
      const own = recipes[keyOf(cell)]
      return trialsLeft(cell).map((trial) => ({ protocol, cell, trial, ...(own && { recipes: own }) }))
    })
    await readAll(tasks, resume, running)
  } finally {
    resume.close()
  }
  const tokenBytes = ({ model }: Cell) => {
    const { layers, heads, d } = models.get(model)!.config
    return 4 * 2 * d * layers * heads
  }
  const reproduce = commandLine(process.argv.slice(2))
  return summarised({ protocol, cells, trials, tokenBytes, known: resume.known, reproduce })
}

/** What autoStream is made by: from the file, as far as it has them; else calibrated now, and kept there one by one. */
async function recipesFor(
  cells: readonly Cell[],
  { text, recipes: path }: EvaluationFlags,
  running: Running,
): Promise<Recipes> {
  const wanted = cells.filter(({ method }) => method === 'autoStream')
  const from = text === CALIBRATION_TEXT ? OTHER_TEXT : CALIBRATION_TEXT
  const all: Record<string, ModelRecipes> = { ...readRecipes(path, from, wanted) }
  const missing = wanted.filter((cell) => !Object.hasOwn(all, keyOf(cell)))
  const take = (cell: Cell, recipes: ModelRecipes) => {
    all[keyOf(cell)] = recipes
    if (path !== undefined) writeRecipes(path, from, all)
  }
  await calibrateAll(
    missing.map((cell) => ({ cell, text: from })),
    take,
    running,
  )
  return all
}
