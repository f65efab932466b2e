import {
  bitsOfWindow,
  needlePrompt,
  needleTrial,
  windowStarts,
  type HeadSpec,
  type LanguageModel,
} from '@sublinear/small-lm'
import type { Recipe, Shape } from '@sublinear/attention'
import { loadModel, textIds } from '../text-captures.ts'
import { CONTEXTS, DEPTHS, TEXTS, WINDOWS, type Cell, type ModelName } from './cells.ts'
import { methods, tokenBytes } from './methods.ts'

const SEED = 9

export interface CellResult extends Cell {
  /** The budget is too small for the method: nothing was measured. */
  readonly fits: boolean
  /** By context, a digit a depth: 1 where the whole answer was right. */
  readonly right: readonly string[]
  /** By window, text by text. */
  readonly bits: readonly number[]
  /** Bytes of text that the bits stand for. */
  readonly textBytes: readonly number[]
  /** Held by all heads at the end of a prompt, the most of them, over the float32 cache of the prompt. */
  readonly held: number
}

/** What of a cell is wanted: contexts and windows by number. Default: all. */
export interface Part {
  readonly contexts?: readonly number[]
  readonly windows?: readonly number[]
}

export type RecipesOf = (model: ModelName, share: number) => readonly (readonly Recipe[])[]

const models = new Map<ModelName, LanguageModel>()
const texts = new Map<string, Uint16Array>()
const once = <K, V>(known: Map<K, V>, key: K, make: () => V): V => {
  if (!known.has(key)) known.set(key, make())
  return known.get(key)!
}

/** A pure function of the cell: what is wanted of it depends on no other cell, and on no other part of it. */
export function runCell(cell: Cell, recipesOf: RecipesOf, part: Part = {}): CellResult {
  const model = once(models, cell.model, () => loadModel(cell.model))
  const stream = streamOf(cell, model, recipesOf)
  const result = { ...cell, fits: stream !== undefined }
  if (!stream) return { ...result, right: [], bits: [], textBytes: [], held: 0 }
  const { contexts = count(CONTEXTS), windows = cell.asks === 'both' ? count(WINDOWS * TEXTS.length) : [] } = part
  const trials = contexts.map((context) => asked(cell, model, stream, context))
  const scored = windows.map((at) => predicted(cell, model, stream, at))
  return {
    ...result,
    right: trials.map(({ right }) => right),
    bits: scored.map(({ bits }) => Number(bits.toFixed(2))),
    textBytes: scored.map(({ bytes }) => bytes),
    held: Number(Math.max(0, ...trials.map(({ held }) => held)).toFixed(4)),
  }
}

function streamOf({ method, share, tokens, model: name }: Cell, { config }: LanguageModel, recipesOf: RecipesOf) {
  const { layers, heads, d } = config
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  const budgetBytes = Math.floor((tokens * tokenBytes(shape)) / share)
  const recipes = method === 'autoStream' ? recipesOf(name, share) : []
  const make = methods[method]!({ ...shape, layers, heads, budgetBytes, tokens, recipes })
  return make && ((_: Shape, layer: number, head: number) => make(layer, head))
}

/** One prompt: ten needles, asked for in random order. Texts take turns. */
function asked({ tokens }: Cell, model: LanguageModel, stream: HeadSpec, context: number) {
  const haystack = idsOf(model, TEXTS[context % TEXTS.length]!)
  const options = { tokenizer: model.tokenizer, haystack, tokens, depths: DEPTHS, distractors: 0, seed: SEED }
  const { recalls, bytes } = needleTrial({ model, stream, prompt: needlePrompt({ ...options, trial: context }) })
  const { layers, heads, d } = model.config
  return {
    right: recalls.map(({ isRight }) => Number(isRight)).join(''),
    held: bytes / (layers * heads * tokens * tokenBytes({ d, dv: d })),
  }
}

/** Bits of the second half of one window, and the bytes of its text. */
function predicted({ tokens }: Cell, model: LanguageModel, stream: HeadSpec, at: number) {
  const ids = idsOf(model, TEXTS[Math.floor(at / WINDOWS)]!)
  const from = windowStarts(ids.length, tokens, WINDOWS)[at % WINDOWS]!
  return bitsOfWindow({ model, stream, ids, tokens, from })
}

const idsOf = (model: LanguageModel, text: (typeof TEXTS)[number]) => once(texts, text, () => textIds(model, text))

const count = (to: number) => Array.from({ length: to }, (_, i) => i)
