import { readFileSync } from 'node:fs'
import { languageModel, type LanguageModel } from '@sublinear/small-lm'
import { modelFile } from './model-file'

/** The models that come with the command. */
export const MODELS = ['sharp', 'bounded'] as const

/** Opens one of the two small language models, which come as `@sublinear/models`. */
export function openModel(name: string): LanguageModel {
  if (!(MODELS as readonly string[]).includes(name)) throw new RangeError(`${name} is not one of ${MODELS.join(', ')}`)
  return languageModel(readFileSync(modelFile(`${name}.safetensors`)))
}
