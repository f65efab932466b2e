import { readFileSync, writeFileSync } from 'node:fs'
import { plan } from '@sublinear/adviser'
import type { HeadAdvice, ModelAdvice } from '@sublinear/small-lm'
import { methodsNamed } from '../kit/methods-named.ts'
import { capturedHeads } from '../kit/text-captures.ts'
import { CALIBRATION, LENGTHS, MODELS, SHARES, type ModelName } from './cells.ts'
import { finished, type RecipeJob } from './jobs.ts'
import { IN_METRIC, METRIC_SHARES, withQueriesAlike } from './in-metric.ts'
import { tokenBytes } from './methods.ts'

/** Tokens of the calibration text that a recipe is made from. */
export const PILOT = 2048

/** Tokens that a recipe is made for; a shorter stream shares out fewer bytes by the same. */
const TOKENS = LENGTHS.at(-1)!

/** Advice of the adviser on stacks, by model and share, then by layer and head. */
export type Recipes = Record<string, ModelAdvice>

interface Recipe extends HeadAdvice {
  /** Error on the pilot. */
  readonly error: number
}

const LAYERS = [0, 1, 2, 3]

const file = new URL('./recipes.json', import.meta.url)
const nameOf = ({ method, model, share }: Pick<RecipeJob, 'method' | 'model' | 'share'>) =>
  `${model}-${share}${method === IN_METRIC ? '-in-metric' : ''}`
const sharesOf = (method: string) => (method === IN_METRIC ? METRIC_SHARES : SHARES)

/** The recipes of a method for a model's heads and a budget, as committed. */
export function recipesOf(method: string, model: ModelName, share: number): ModelAdvice {
  const name = nameOf({ method, model, share })
  const found = (JSON.parse(readFileSync(file, 'utf8')) as Recipes)[name]
  if (!found) throw new RangeError(`evidence: there are no recipes for ${name}`)
  return found
}

/** One for each layer of each model and share. */
export const recipeJobs = (method: string): RecipeJob[] =>
  sharesOf(method).flatMap((share) =>
    MODELS.flatMap((model) => LAYERS.map((layer): RecipeJob => ({ kind: 'recipes', method, model, share, layer }))),
  )

/** The recipes of a layer's heads: the best stack for each, also for what is asked at the end. */
export async function calibratedLayer({ method: name, model, share, layer }: RecipeJob): Promise<Recipe[]> {
  const found: Recipe[] = []
  const own = methodsNamed('auto')
  const methods = name === IN_METRIC ? own.map(withQueriesAlike) : own
  for (const { name: head, queries, keys, values } of calibrationHeads(model)) {
    if (!head.startsWith(`${layer}.`)) continue
    const shape = { d: keys.cols, dv: values.cols, scale: 1 / Math.sqrt(keys.cols) }
    const budgetBytes = Math.floor((TOKENS * tokenBytes(shape)) / share)
    const pilot = { queries, keys, values }
    const { method, options, error } = await plan({
      ...shape,
      methods,
      pilot,
      budgetBytes,
      tokens: TOKENS,
      task: 'both',
    })
    found.push({ method, options, error: Number(error.total.toPrecision(4)) })
  }
  return found
}

/** Heads to calibrate on; the first call captures them. */
export const calibrationHeads = (model: ModelName) => capturedHeads({ model, text: CALIBRATION, tokens: PILOT })

/** Records the recipes that the jobs gave; those of other models and shares stay. */
export function writeRecipes(jobs: readonly RecipeJob[]): void {
  const recipes: Recipes = { ...(JSON.parse(readFileSync(file, 'utf8')) as Recipes) }
  for (const name of new Set(jobs.map(nameOf))) {
    const own = jobs.filter((job) => nameOf(job) === name)
    recipes[name] = finished(own).map(({ result }) => result as Recipe[])
  }
  const text = JSON.stringify(recipes, null, 1)
  const inLines = text.replaceAll(/\[[-\d,\s]+\]/g, (numbers) => numbers.replaceAll(/\s/g, '')) // a metric in a line
  writeFileSync(file, `${inLines}\n`)
}
