import { checkInteger, type Seed } from '@sublinear/core'
import { largest } from './generate'
import type { LanguageModel } from './language-model'
import { needlePrompt, type NeedlePrompt } from './needle-prompt'
import { reader, type HeadSpec } from './reader'
import { readThrough, type Reads } from './reads'

/** How one question was answered: whether with the needle's value, and the share of its tokens that were right. */
export interface Recall {
  readonly isRight: boolean
  readonly tokensRight: number
}

/**
 * Lets a model answer the questions of a prompt, each after the right answers to the questions before it.
 *
 * @returns one entry for each depth of the prompt; bytes that the streams held at the end
 * @throws TypeError, RangeError as reader does
 */
export function needleTrial({
  model,
  stream,
  prompt,
}: {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  readonly prompt: NeedlePrompt
}): { readonly recalls: readonly Recall[]; readonly bytes: number } {
  const run = reader({ model, stream })
  try {
    return { recalls: readThrough(needleReads(prompt), run), bytes: run.bytes }
  } finally {
    run[Symbol.dispose]()
  }
}

/** Does the same as reads, for a reader of any kind that has read nothing. */
export function* needleReads({ ids, answers, tail }: NeedlePrompt): Reads<readonly Recall[]> {
  yield { ids: ids.subarray(0, tail), logits: 'none' }
  const { data, cols } = yield { ids: ids.subarray(tail, ids.length - 1), logits: 'all' }
  return answers.map(({ at, length }) => {
    let right = 0
    for (let i = at; i < at + length; i++) {
      const row = i - 1 - tail // the row that predicts token i
      if (largest(data.subarray(row * cols, (row + 1) * cols)) === ids[i]) right++
    }
    return { isRight: right === length, tokensRight: right / length }
  })
}

export interface NeedlesOptions {
  readonly model: LanguageModel
  /** Streams by name: all read the same prompts. */
  readonly streams: Readonly<Record<string, HeadSpec>>
  /** Token ids of a text without needles, longer than the longest prompt. */
  readonly haystack: ArrayLike<number>
  /** Lengths of prompts in tokens. */
  readonly lengths: readonly number[]
  readonly depths: readonly number[]
  /** Number of prompts of every length. */
  readonly trials: number
  readonly seed: Seed
  /** Whether each depth has a prompt of its own, or one prompt has a needle at each depth. */
  readonly asked: 'alone' | 'together'
  /** Number of further needles of a prompt, which are never asked for. */
  readonly distractors: number
  /** Called with the number of trials done of the cells that come next. */
  readonly onProgress?: (cell: Pick<NeedleCell, 'stream' | 'tokens' | 'depth'>, trials: number) => void
  /** Says which cells are known already and not wanted. */
  readonly skip?: (cell: Pick<NeedleCell, 'stream' | 'tokens' | 'depth'>) => boolean
}

/** Recall of one stream at one length and depth. */
export interface NeedleCell {
  readonly stream: string
  readonly tokens: number
  readonly depth: number
  readonly trials: number
  /** Number of answers that were entirely right. */
  readonly right: number
  /** Mean share of an answer's tokens that were right. */
  readonly tokensRight: number
  /** The most bytes that the streams of all heads held at the end of a prompt. */
  readonly bytes: number
}

/**
 * Measures recall by stream, length and depth; yields a cell as soon as it is known.
 * Source: needle in a haystack, by the protocol of the evaluation in the training scripts.
 *
 * Guarantee: a cell is a pure function of model, stream, haystack, length, depth(s), trials, seed, asked and distractors: it does not
 *   depend on other cells, so that a run may stop anywhere and go on later.
 * Cost: each trial reads `tokens` tokens; where depths are asked alone, once for each depth.
 *
 * @throws TypeError, RangeError as needlePrompt and reader do
 */
export function* needles(options: NeedlesOptions): Generator<NeedleCell> {
  const { streams, lengths, depths, asked } = options
  checkInteger('needles', 'trials', options.trials, 1)
  if (asked !== 'alone' && asked !== 'together')
    throw new RangeError(`needles: asked must be 'alone' or 'together', got ${String(asked)}`)
  const groups = asked === 'alone' ? depths.map((depth) => [depth]) : [[...depths]]
  for (const tokens of lengths)
    for (const [name, stream] of Object.entries(streams))
      for (const group of groups) {
        if (group.every((depth) => options.skip?.({ stream: name, tokens, depth }))) continue
        yield* cells(options, name, stream, tokens, group)
      }
}

/** Measures the cells of depths that share their prompts. */
function cells(options: NeedlesOptions, name: string, stream: HeadSpec, tokens: number, depths: readonly number[]) {
  const { model, haystack, trials, seed, distractors } = options
  const found = depths.map((depth) => ({ stream: name, tokens, depth, trials, right: 0, tokensRight: 0, bytes: 0 }))
  for (let trial = 0; trial < trials; trial++) {
    const { tokenizer } = model
    const prompt = needlePrompt({ tokenizer, haystack, tokens, depths, distractors, seed, trial })
    const { recalls, bytes } = needleTrial({ model, stream, prompt })
    for (const [i, cell] of found.entries()) {
      if (recalls[i].isRight) cell.right++
      cell.tokensRight += recalls[i].tokensRight / trials
      cell.bytes = Math.max(cell.bytes, bytes)
      options.onProgress?.({ stream: name, tokens, depth: cell.depth }, trial + 1)
    }
  }
  return found as readonly NeedleCell[]
}
