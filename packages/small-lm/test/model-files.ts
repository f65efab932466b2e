import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { languageModel, type LanguageModel } from '../src'

export const NAMES = ['sharp', 'bounded'] as const
export type Name = (typeof NAMES)[number]

export const bytesOfModel = (name: Name): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../data/${name}.safetensors`, import.meta.url)))

const loaded = new Map<Name, LanguageModel>()

/** A model of data/, read once a test file. */
export function model(name: Name): LanguageModel {
  const known = loaded.get(name) ?? languageModel(bytesOfModel(name))
  loaded.set(name, known)
  return known
}

export const fixture = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)))

export const heldOut = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../data/${name}.txt`, import.meta.url)))

/** The training framework's own numbers; see scripts/fixtures.mjs. */
export interface Reference {
  readonly text: string
  readonly ids: readonly number[]
  readonly rows: readonly number[]
  readonly models: Readonly<Record<Name, { readonly continuation: readonly number[] }>>
  readonly captured: readonly number[]
}

export const reference = JSON.parse(new TextDecoder().decode(fixture('reference.json'))) as Reference
