import { readFileSync } from 'node:fs'
import type { LanguageModel } from '@sublinear/small-lm'

/** Prompts and texts that the models are asked on. */
export interface PromptSet {
  readonly name: 'evidence' | 'held-out'
  readonly seed: number
  /** Haystacks, in turns, and what is predicted. */
  readonly texts: readonly string[]
  /** Words that values are remembered under. Default: all 212 that the models know. */
  readonly words?: readonly string[]
  /** Windows of each text, of the longest length that is predicted, whose second halves count. */
  readonly windows: number
}

/** Prompts of a cell: so many contexts, one needle at each depth, all asked for at the end. */
export const CONTEXTS = 9
export const DEPTHS = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12)

/** Held out from the models, and none of them what recipes are made from. */
export const TEXTS = ['persuasion', 'romans'] as const
export const WINDOWS = 2

export const EVIDENCE: PromptSet = { name: 'evidence', seed: 9, texts: TEXTS, windows: WINDOWS }

/**
 * Other words, other texts, another seed: nothing was chosen by them. The words are those of the models' 212 that no prompt of EVIDENCE of 2048 or
 * 4096 tokens asks for; words that they were not trained to remember under they never recall, whatever the stream.
 * Texts: chapters 1 to 9 of *Moby-Dick* (Project Gutenberg's, punctuation made ASCII), and the two books of the King James Bible; public domain.
 */
export const HELD_OUT: PromptSet = {
  name: 'held-out',
  seed: 2026,
  texts: ['moby-dick', 'ruth-and-jonah'],
  words: `
    apple autumn badger bamboo bishop blossom bottle bucket cabin cactus cobalt copper cotton crane cricket
    dahlia desert diamond dolphin dragon fennel ferry fox garnet harbor helmet heron indigo iris iron juniper
    kitten ladder lagoon lantern lizard locket magnet monkey mosaic mulberry ocean onion opal oyster palace
    panther planet prism rabbit ribbon river rose saddle saffron satin silver smoke stone sugar summit tablet
    thistle tiger timber trumpet tunnel turnip turtle umber valley velvet violet winter wolf yellow
  `
    .trim()
    .split(/\s+/),
  windows: 1,
}

export const SETS = { evidence: EVIDENCE, 'held-out': HELD_OUT }

const ofModels = new URL('../../packages/small-lm/data/', import.meta.url)
const own = new URL('../kit/texts/', import.meta.url)

/** Token ids of a text of a set, without the one that begins a text. */
export function idsOfText({ tokenizer }: LanguageModel, text: string): Uint16Array {
  return tokenizer.encode(readFileSync(new URL(`${text}.txt`, HELD_OUT.texts.includes(text) ? own : ofModels)))
}
