import { crc32 } from '@sublinear/core'
import type { PromptTokenizer } from '@sublinear/small-lm'
import { readFileSync } from 'node:fs'
import { chosenStreams, isPath, methodsNamed, NAMES } from '../methods'
import { refuseOutputs, type Output } from '../outputs'
import { commandLine } from '../reproduce'
import { adviceFor } from './advice'
import { ADVISED, adviceKey } from './advice-file'
import { judgedModel, type JudgedModel } from './judged-model'
import { cellsOf, type EvaluationFlags } from './options'
import { openResume } from './resume-file'
import { summarised, type Evaluation } from './results'
import { readAll } from './run-all'
import { keyOf, type Cell, type Protocol } from './task'
import { openTextNamed } from './texts'

interface Evaluated {
  readonly flags: EvaluationFlags
  readonly signal: AbortSignal
  readonly protocolOf: (text: { readonly text: string; readonly crc: number }) => Protocol
  /** Numbers of the texts, or windows, of a cell; throws where the cell cannot be tried. */
  readonly trialsOf: (tokens: number, ids: ArrayLike<number>, model: { readonly tokenizer: PromptTokenizer }) => number
}

/** Computes everything that was asked for; what the resume file has is taken from there. */
export async function evaluate({ flags, signal, protocolOf, trialsOf }: Evaluated): Promise<Evaluation> {
  await refuseOutputs(outputsOf(flags), [flags.text, ...chosenStreams(flags, NAMES).filter(isPath)])
  const bytes = openTextNamed(flags.text)
  const models = new Map<string, JudgedModel>()
  for (const name of flags.model ?? flags.models) models.set(name, await judgedModel(name))
  const counted = new Map<string, number>()
  for (const [name, model] of models) {
    const ids = model.encode(bytes)
    for (const tokens of flags.lengths) counted.set(`${name} ${tokens}`, trialsOf(tokens, ids, model))
  }
  const trials = ({ model, tokens }: Cell) => counted.get(`${model} ${tokens}`)!
  const protocol = protocolOf({ text: flags.text, crc: crc32(bytes) })
  const rows = await rowsOf(flags)
  const running = { workers: flags.workers, signal, quiet: Boolean(flags.quiet || flags.json) }
  const asked = cellsOf(flags, rows)
  const advice = await adviceFor(asked, flags, running)
  const adviceOf = (cell: Cell) => (cell.method === ADVISED ? advice[adviceKey(cell)] : undefined)
  const cells = asked.map((cell) => {
    const own = adviceOf(cell)
    return own ? { ...cell, version: crc32(new TextEncoder().encode(JSON.stringify(own))).toString(16) } : cell
  })
  const resume = openResume(flags.resume, protocol)
  try {
    const isKnown = (cell: Cell, trial: number) => resume.known.has(keyOf(cell, trial))
    const trialsLeft = (cell: Cell) =>
      Array.from({ length: trials(cell) }, (_, trial) => trial).filter((trial) => !isKnown(cell, trial))
    const tasks = cells.flatMap((cell) => {
      const path = rows.find(({ method }) => method === cell.method)?.path
      const own = adviceOf(cell)
      const how = { ...(path !== undefined && { path }), ...(own && { advice: own }) }
      return trialsLeft(cell).map((trial) => ({ protocol, cell, trial, ...how }))
    })
    await readAll(tasks, resume, running)
  } finally {
    resume.close()
  }
  const tokenBytes = ({ model }: Cell) => models.get(model)!.tokenBytes
  const reproduce = commandLine(process.argv.slice(2))
  return summarised({ protocol, cells, trials, tokenBytes, known: resume.known, reproduce })
}

/** Files that are written; those of --resume and --advice may exist. */
function outputsOf({ report, resume, advice }: EvaluationFlags): Output[] {
  return Object.entries({ resume, advice, report }).flatMap(([name, path]) =>
    path === undefined ? [] : [{ flag: `--${name}`, path }],
  )
}

/** A method that is compared. */
interface Row extends Pick<Cell, 'method' | 'version'> {
  /** Path of the method's module, where it is the user's own. */
  readonly path?: string
}

/** The methods that --streams, --stream and --advice ask for. */
async function rowsOf(flags: EvaluationFlags): Promise<Row[]> {
  const texts = chosenStreams(flags, NAMES)
  const methods = await methodsNamed(texts)
  const rows = methods.map(({ name: method }, i): Row => {
    const text = texts[i]
    return isPath(text) ? { method, version: crc32(readFileSync(text)).toString(16), path: text } : { method }
  })
  return flags.advice === undefined ? rows : [...rows, { method: ADVISED }]
}
