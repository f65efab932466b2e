import { checkInteger, checkSeed, philox, seedWords, type Seed } from '@sublinear/core'
import { answerText, KEY_WORDS, needleText, questionText } from './recall-task'

/** The part of a tokenizer that prompts and scores need; tokenizers of other models have it, too. */
export interface PromptTokenizer {
  readonly vocabulary: number
  /** Token that begins every text. */
  readonly bos: number
  encode(text: string): ArrayLike<number> & Iterable<number>
  bytesOf(ids: ArrayLike<number>): Uint8Array
}

export interface NeedlePromptOptions {
  readonly tokenizer: PromptTokenizer
  /** Token ids of a text without needles, longer than the prompt. */
  readonly haystack: ArrayLike<number>
  /** Length of the prompt in tokens, with its questions and answers. */
  readonly tokens: number
  /** Places of the needles that will be asked for: 0 is the start of the haystack, 1 its end. */
  readonly depths: readonly number[]
  /** Number of further needles at random depths, which are never asked for. */
  readonly distractors: number
  /** Words under which values are remembered: all different, enough for all needles. Default: the words of training. */
  readonly words?: readonly string[]
  /** 64 bits that decide texts, words and values. */
  readonly seed: Seed
  /** Number of the prompt among those of this seed and length. */
  readonly trial: number
}

export interface NeedlePrompt {
  readonly ids: Uint16Array | Uint32Array
  /** Places of the answers, in the order of the given depths: the tokens of an answer are ids[at … at + length − 1]. The first question begins at `tail`. */
  readonly answers: readonly { readonly at: number; readonly length: number }[]
  readonly tail: number
}

/** The stream of Philox that prompts draw from. */
const STREAM = 0x6e656564

/**
 * Makes a text with needles ` (remember word 1234)` in it and, at its end, in random order, the questions ` (recall word` with their answers.
 * Source: the evaluation of the training scripts, with other random numbers.
 *
 * Guarantee: a pure function of its options. Depths move needles and change neither words, values nor haystack, so that depths are
 *   compared on the same texts, as streams are.
 *
 * @throws TypeError, RangeError when a depth is not within 0 … 1, or tokens are too few for the needles or more than the haystack has
 */
export function needlePrompt(options: NeedlePromptOptions): NeedlePrompt {
  const { tokenizer, haystack, tokens, depths, distractors, words: known = KEY_WORDS } = options
  checkOptions(options)
  const below = draws(options)
  const count = depths.length + distractors
  const offset = below(2 ** 32) / 2 ** 32
  const words = chosen(known, count, below)
  const values = words.map(() => String(below(10_000)).padStart(4, '0'))
  const order = chosen(
    depths.map((_, i) => i),
    depths.length,
    below,
  )
  const places = [...depths, ...Array.from({ length: distractors }, () => below(2 ** 32) / 2 ** 32)]

  const needles = words.map((word, i) => tokenizer.encode(needleText(word, values[i])))
  const questions = order.map((i) => ({
    i,
    question: tokenizer.encode(questionText(words[i])),
    answer: tokenizer.encode(answerText(values[i])),
  }))
  const tailLength = questions.reduce((sum, { question, answer }) => sum + question.length + answer.length, 0)
  const free = tokens - 1 - tailLength - needles.reduce((sum, { length }) => sum + length, 0)
  if (free < 1 || free > haystack.length)
    throw new RangeError(
      `needlePrompt: tokens must leave 1 to ${haystack.length} for the haystack of ${haystack.length}, got ${tokens}, which leave ${free}`,
    )

  const first = Math.floor(offset * (haystack.length - free + 1))
  const straw = Array.from({ length: free }, (_, i) => haystack[first + i])
  const ids: number[] = [tokenizer.bos]
  let at = 0
  for (const { needle, place } of needles
    .map((needle, i) => ({ needle, place: places[i] }))
    .toSorted((a, b) => a.place - b.place)) {
    let to = Math.max(at, Math.floor(place * (free - 1)))
    while (to < free && !startsWord(tokenizer, straw[to])) to++
    ids.push(...straw.slice(at, to), ...needle)
    at = to
  }
  ids.push(...straw.slice(at))
  const tail = ids.length
  const answers: { at: number; length: number }[] = []
  for (const { i, question, answer } of questions) {
    ids.push(...question)
    answers[i] = { at: ids.length, length: answer.length - 1 } // the closing bracket does not count
    ids.push(...answer)
  }
  const kept = tokenizer.vocabulary > 65_536 ? Uint32Array.from(ids) : Uint16Array.from(ids)
  return { ids: kept, answers, tail }
}

function checkOptions({ depths, distractors, words = KEY_WORDS, tokens, trial }: NeedlePromptOptions): void {
  const who = 'needlePrompt'
  checkInteger(who, 'tokens', tokens, 1)
  checkInteger(who, 'trial', trial, 0, 2 ** 32 - 1)
  if (!Array.isArray(depths) || depths.length === 0) throw new TypeError(`${who}: depths must be a list of numbers`)
  for (const depth of depths)
    if (!(depth >= 0 && depth <= 1)) throw new RangeError(`${who}: depths must be from 0 to 1, got ${depth}`)
  if (!Array.isArray(words)) throw new TypeError(`${who}: words must be a list of words`)
  const different = new Set(words).size
  if (different < words.length)
    throw new RangeError(`${who}: words must be different, got ${words.length} of which ${different} are`)
  if (words.length < depths.length)
    throw new RangeError(`${who}: words must be at least as many as depths, got ${words.length} for ${depths.length}`)
  checkInteger(who, 'distractors', distractors, 0, words.length - depths.length)
}

/** Draws numbers below a bound, one after another: they depend on (seed, trial, tokens) and on how many came before. */
function draws({ seed, trial, tokens }: NeedlePromptOptions): (bound: number) => number {
  const [low, high] = seedWords(checkSeed('needlePrompt', seed))
  const words = new Uint32Array(4)
  let drawn = 0
  return (bound) => {
    if (drawn % 4 === 0) philox(words, low, high, drawn / 4, trial, tokens, STREAM)
    return Math.floor((words[drawn++ % 4] / 2 ** 32) * bound)
  }
}

/** Chooses `count` different entries, in random order. */
function chosen<T>(list: readonly T[], count: number, below: (bound: number) => number): T[] {
  const left = [...list]
  return Array.from({ length: count }, () => left.splice(below(left.length), 1)[0]!)
}

function startsWord({ bytesOf }: PromptTokenizer, id: number): boolean {
  const [first] = bytesOf([id])
  return first === undefined || first === 0x20 || first === 0x0a // it is also the token that begins a text
}
