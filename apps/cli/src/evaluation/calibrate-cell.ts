import { calibrate, exactStream } from '@sublinear/attention'
import { capture } from '@sublinear/small-lm'
import { openModel } from '../models'
import { modelBudget } from './run-task'
import type { Cell, ModelRecipes } from './task'
import { openTextNamed } from './texts'

/** Tokens of the text that recipes are made from. */
const PILOT = 2048

export interface Calibration {
  readonly cell: Cell
  /** None of the texts that are then read. */
  readonly text: string
}

/** A recipe for every head of a model within a budget, from the beginning of a text that the model reads with its own attention. */
export function calibrateCell({ cell, text }: Calibration): ModelRecipes {
  const model = openModel(cell.model)
  const { bos, encode } = model.tokenizer
  const ids = [bos, ...encode(openTextNamed(text)).subarray(0, PILOT - 1)]
  const { scale, budgetBytes, tokens } = modelBudget(cell, model)
  const heads = capture({ model, stream: exactStream, ids }).map(({ layer, queries, keys, values }) => ({
    layer,
    recipe: calibrate({ queries, keys, values, scale, budgetBytes, tokens }),
  }))
  return Array.from({ length: model.config.layers }, (_, layer) =>
    heads.filter((head) => head.layer === layer).map(({ recipe }) => recipe),
  )
}
