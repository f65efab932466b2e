import { modelStreams } from '@sublinear/attention'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { openModel } from '../models'
import { modelBudget } from './run-task'
import { keyOf, type Cell, type ModelRecipes } from './task'

/** Recipes by cell. */
export type Recipes = Readonly<Record<string, ModelRecipes>>

const KIND = 'sublinear recipes'
const VERSION = 1

/**
 * The recipes of a file, for the cells that are asked for; none where there is no file.
 *
 * @throws Error when the file is none of ours, was made from another text, or a recipe does not fit its head
 */
export function readRecipes(path: string | undefined, text: string, cells: readonly Cell[]): Recipes {
  if (path === undefined || !existsSync(path)) return {}
  const file = parsed(readFileSync(path, 'utf8'))
  if (file?.['kind'] !== KIND || file['version'] !== VERSION || typeof file['recipes'] !== 'object' || !file['recipes'])
    throw new RangeError(`--recipes ${path}: is no file of recipes`)
  if (file['text'] !== text)
    throw new RangeError(`--recipes ${path}: was made from ${JSON.stringify(file['text'])}, not ${text}`)
  const recipes = file['recipes'] as Recipes
  for (const cell of cells) if (Object.hasOwn(recipes, keyOf(cell))) check(path, cell, recipes[keyOf(cell)]!)
  return recipes
}

/** The file is whole at any time. */
export function writeRecipes(path: string, text: string, recipes: Recipes): void {
  const part = `${path}.${process.pid}.part`
  writeFileSync(part, `${JSON.stringify({ kind: KIND, version: VERSION, text, recipes })}\n`)
  renameSync(part, path)
}

/** Builds every head's stream once: it refuses what is no recipe for it. */
function check(path: string, cell: Cell, recipes: ModelRecipes): void {
  const model = openModel(cell.model)
  const { layers, heads } = model.config
  const wrong = (what: string, cause?: unknown) =>
    new RangeError(`--recipes ${path}: ${keyOf(cell)}: ${what}`, cause === undefined ? {} : { cause })
  if (!Array.isArray(recipes) || recipes.length !== layers || recipes.some((own) => own?.length !== heads))
    throw wrong(`must be ${layers} layers of ${heads} recipes`)
  try {
    const make = modelStreams[cell.method]!(modelBudget(cell, model, recipes))!
    for (let layer = 0; layer < layers; layer++)
      for (let head = 0; head < heads; head++) (make(layer, head) as Partial<Disposable>)[Symbol.dispose]?.()
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error), error)
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
