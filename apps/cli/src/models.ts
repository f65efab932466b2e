import { readFileSync } from 'node:fs'
import { languageModel, type LanguageModel } from '@sublinear/small-lm'

/** The names that --model takes. */
export const MODELS = ['sharp', 'bounded'] as const

/** One of the two small language models, which the build puts beside this file. */
export function openModel(name: (typeof MODELS)[number]): LanguageModel {
  return languageModel(readFileSync(new URL(`${name}.safetensors`, import.meta.url)))
}
