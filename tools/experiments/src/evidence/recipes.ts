import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { calibrate, type Recipe } from '@sublinear/attention'
import { capturedHeads } from '../text-captures.ts'
import { CALIBRATION, LENGTHS, type ModelName } from './cells.ts'
import { tokenBytes } from './methods.ts'

/** Tokens of the calibration text that a recipe is made from. */
export const PILOT = 2048

/** What a recipe is made for; a shorter stream shares out fewer bytes by the same. */
const TOKENS = LENGTHS.at(-1)!

/** Recipes by model and share, then by layer and head; without the scores of what was not chosen. */
export type Recipes = Record<string, readonly (readonly Recipe[])[]>

const file = new URL('../../results/evidence-recipes.json', import.meta.url)
const nameOf = (model: ModelName, share: number) => `${model}-${share}`

export const committedRecipes = (): Recipes =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recipes) : {}

/** The recipes of a model's heads for a budget, as committed. */
export function recipesOf(model: ModelName, share: number): readonly (readonly Recipe[])[] {
  const found = committedRecipes()[nameOf(model, share)]
  if (!found) throw new RangeError(`evidence: there are no recipes for ${nameOf(model, share)}`)
  return found
}

/** Makes the recipes that are not committed yet, and records them. */
export function makeRecipes(
  wanted: readonly { readonly model: ModelName; readonly share: number }[],
  onProgress: (name: string) => void,
): void {
  for (const { model, share } of wanted) {
    const known = committedRecipes()
    const name = nameOf(model, share)
    if (known[name]) continue
    onProgress(name)
    known[name] = calibrated(model, share)
    writeFileSync(file, `${JSON.stringify(known, null, 1)}\n`)
  }
}

function calibrated(model: ModelName, share: number): Recipe[][] {
  const layers: Recipe[][] = []
  for (const { name, ...head } of capturedHeads({ model, text: CALIBRATION, tokens: PILOT })) {
    const { cols: d } = head.keys
    const budgetBytes = Math.floor((TOKENS * tokenBytes({ d, dv: head.values.cols })) / share)
    const recipe = calibrate({ ...head, scale: 1 / Math.sqrt(d), budgetBytes, tokens: TOKENS })
    const layer = Number(name.split('.')[0])
    ;(layers[layer] ??= []).push({ ...recipe, error: Number(recipe.error.toPrecision(4)), scores: [] })
  }
  return layers
}
