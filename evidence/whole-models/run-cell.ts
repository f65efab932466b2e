import { catalogue } from '@sublinear/attention'
import {
  advisedStreams,
  bitsOfWindow,
  headStreams,
  needlePrompt,
  needleTrial,
  windowStarts,
  type HeadSpec,
  type LanguageModel,
  type ModelAdvice,
  type NeedlePrompt,
} from '@sublinear/small-lm'
import { loadModel } from '../kit/text-captures.ts'
import type { Cell, ModelName } from './cells.ts'
import { methodNamed, tokenBytes } from './methods.ts'
import { hasRecipes } from './in-metric.ts'
import { CONTEXTS, DEPTHS, EVIDENCE, idsOfText, type PromptSet } from './prompt-sets.ts'

export interface CellResult extends Cell {
  /** The budget is too small for the method: nothing was measured. */
  readonly fits: boolean
  /** Answers by context, a digit a depth: 1 where the whole answer was right. */
  readonly right: readonly string[]
  /** Bits by window, text by text. */
  readonly bits: readonly number[]
  /** Bytes of text that the bits stand for. */
  readonly textBytes: readonly number[]
  /** Held by all heads at the end of a prompt, the most of them, over the float32 cache of the prompt. */
  readonly held: number
}

/** Part of a cell that is wanted: contexts and windows by number, of which prompts. Default: all, of EVIDENCE. */
export interface Part {
  readonly contexts?: readonly number[]
  readonly windows?: readonly number[]
  readonly set?: PromptSet
}

export type RecipesOf = (method: string, model: ModelName, share: number) => ModelAdvice

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
  const { contexts = count(CONTEXTS), set = EVIDENCE } = part
  const windows = part.windows ?? (cell.asks === 'both' ? count(set.windows * set.texts.length) : [])
  const trials = contexts.map((context) => asked(cell, model, stream, context, set))
  const scored = windows.map((at) => predicted(cell, model, stream, at, set))
  return {
    ...result,
    right: trials.map(({ right }) => right),
    bits: scored.map(({ bits }) => Number(bits.toFixed(2))),
    textBytes: scored.map(({ bytes }) => bytes),
    held: Number(Math.max(0, ...trials.map(({ held }) => held)).toFixed(4)),
  }
}

function streamOf({ method, share, tokens, model: name }: Cell, model: LanguageModel, recipesOf: RecipesOf) {
  const { d } = model.config
  const budgetBytes = Math.floor((tokens * tokenBytes({ d, dv: d })) / share)
  if (!hasRecipes(method)) return headStreams({ model, method: methodNamed(method), budgetBytes, tokens })
  const advice = recipesOf(method, name, share).map((layer) =>
    layer.map((head) => ({ ...head, options: { ...head.options, budgetBytes, tokens } })),
  )
  return advisedStreams(model, advice, catalogue)
}

/** Twelve needles, asked for in random order. */
function asked({ tokens }: Cell, model: LanguageModel, stream: HeadSpec, context: number, set: PromptSet) {
  const prompt = promptOf(model, set, tokens, context)
  const { recalls, bytes } = needleTrial({ model, stream, prompt })
  const { layers, heads, d } = model.config
  return {
    right: recalls.map(({ isRight }) => Number(isRight)).join(''),
    held: bytes / (layers * heads * tokens * tokenBytes({ d, dv: d })),
  }
}

/** One prompt of a set; texts take turns. */
export function promptOf(model: LanguageModel, set: PromptSet, tokens: number, context: number): NeedlePrompt {
  const { seed, texts, words } = set
  const haystack = idsOf(model, texts[context % texts.length])
  const { tokenizer } = model
  return needlePrompt({
    tokenizer,
    haystack,
    tokens,
    depths: DEPTHS,
    distractors: 0,
    seed,
    trial: context,
    ...(words && { words }),
  })
}

/** Bits of the second half of one window, and the bytes of its text. */
function predicted({ tokens }: Cell, model: LanguageModel, stream: HeadSpec, at: number, set: PromptSet) {
  const { texts, windows } = set
  const ids = idsOf(model, texts[Math.floor(at / windows)])
  const from = windowStarts(ids.length, tokens, windows)[at % windows]
  return bitsOfWindow({ model, stream, ids, tokens, from })
}

const idsOf = (model: LanguageModel, text: string) => once(texts, text, () => idsOfText(model, text))

const count = (to: number) => Array.from({ length: to }, (_, i) => i)
