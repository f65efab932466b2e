import { readFileSync } from 'node:fs'
import { modelFile } from '../model-file'

/** The held-out texts that come with the models. */
export const TEXTS = ['persuasion', 'romans', 'revelation'] as const

/** The name of another text, from which pilots are made when this one is read. */
export function otherText(name: string): (typeof TEXTS)[number] {
  return name === 'revelation' ? 'romans' : 'revelation'
}

/** Opens a held-out text by name, or any other file. */
export function openTextNamed(name: string): Uint8Array {
  const isOwn = (TEXTS as readonly string[]).includes(name)
  return readFileSync(isOwn ? modelFile(`${name}.txt`) : name)
}
