import type { Matrix } from '@sublinear/core'
import { largest } from './generate'
import type { LanguageModel } from './language-model'
import { reader, type HeadSpec } from './reader'

/** A text's bytes, in parts of any length. */
export type TextSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface ReadTextOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  readonly source: TextSource
}

type Ids = Uint16Array | Uint32Array

/** The part of a tokenizer that a text in parts needs; tokenizers of other models have it, too. */
export interface TextTokenizer {
  encoder(): { push(bytes: Uint8Array): Ids; end(): Ids }
  decode(ids: ArrayLike<number>): string
  bytesOf(ids: ArrayLike<number>): Uint8Array
}

/** A model that reads, at once or later. */
export interface TextReader extends Disposable {
  readonly tokens: number
  readonly bytes: number
  readonly cacheBytes: number
  read(ids: ArrayLike<number>, logits: 'last' | 'none'): Matrix | Promise<Matrix>
}

export interface ReadTextThroughOptions {
  readonly run: TextReader
  readonly tokenizer: TextTokenizer
  /** Tokens before the text's own; empty where the text has no beginning. */
  readonly begin: readonly number[]
  readonly source: TextSource
}

/** State of the reading; with an answer where a question was met. */
export interface Reading {
  /** Number of tokens read, with the one that begins a text and the model's own answers. */
  readonly tokens: number
  /** Bytes that the streams of all heads hold. */
  readonly bytes: number
  /** Bytes that a float32 cache of all keys and values would hold. */
  readonly cacheBytes: number
  readonly answer?: Answer
}

export interface Answer {
  /** The asked word; only its first letters where it is longer than any word that is answered. */
  readonly word: string
  /** The model's answer; empty where it was not asked. */
  readonly text: string
  /** Reason why the model was not asked: no "(remember word " came before, or the word has more than 1000 letters. */
  readonly refused?: 'never planted' | 'too long'
}

/** Number of tokens between two reports. */
const BLOCK = 128
/** Most tokens of an answer, which else ends at its bracket. */
const LONGEST_ANSWER = 4
/** Number of letters of the longest word that is answered. */
const LONGEST_WORD = 1000
const WORD = `([A-Za-z]{1,${LONGEST_WORD}})`
const QUESTION = new RegExp(`\\(recall (?:${WORD}(?![A-Za-z])|([A-Za-z]{${LONGEST_WORD + 1}}))`, 'g')
const PLANTED = new RegExp(`\\(remember ${WORD}[^A-Za-z]`, 'g')
/** Most words that are remembered as planted: in a text with more, every question is answered. */
const MOST_WORDS = 65_536
/** A few more bytes than the longest question or plant has. */
const LOOK_BACK = 1024
/** Number of bytes that become tokens at a time: the tokens of a long part would stay through many garbage collections while the model reads them. */
const PART = 4096

/**
 * Reads a text of any length from the left, and answers each question ` (recall word` where it stands.
 * The model reads its own answer (without the bracket) before the text goes on, as if it had been written there. It is not asked for a word that no
 * ` (remember word ` has named before, since it would invent an answer.
 *
 * Guarantee: how the source is cut into parts changes answers by rounding alone.
 * Cost: that of reader; beside the current part, at most 1988 bytes of text and up to 65,536 planted words.
 *
 * @returns reports, after every 128 tokens, after each answer and at the end
 * @throws TypeError, RangeError as reader does
 */
export function readText({ model, stream, source }: ReadTextOptions): AsyncGenerator<Reading> {
  const { tokenizer } = model
  return readTextThrough({ run: reader({ model, stream }), tokenizer, begin: [tokenizer.bos], source })
}

/** Does the same for any model, by its reader, which is disposed of at the end. @throws as the reader does */
export async function* readTextThrough({
  run,
  tokenizer,
  begin,
  source,
}: ReadTextThroughOptions): AsyncGenerator<Reading> {
  const encoder = tokenizer.encoder()
  let before = '' // the last bytes of the tokens read
  const planted = new Set<string>()
  try {
    if (begin.length > 0) await run.read(begin, 'none')
    const take = async function* (ids: Ids): AsyncGenerator<Reading> {
      for (let from = 0; from < ids.length;) {
        const next = nextStop(tokenizer, ids, from, before)
        before = next.text.slice(-LOOK_BACK)
        for (const [, word] of next.text.matchAll(PLANTED)) if (planted.size < MOST_WORDS) planted.add(word)
        const part = ids.subarray(from, next.end)
        if (next.question === undefined) await run.read(part, 'none')
        else {
          const refused = reasonAgainst(next.question, planted)
          if (refused) await run.read(part, 'none')
          const text = refused ? '' : await answered(tokenizer, run, part)
          before = (before + text).slice(-LOOK_BACK)
          yield { ...standOf(run), answer: { word: next.question, text, ...(refused && { refused }) } }
        }
        from = next.end
        yield standOf(run)
      }
    }
    for await (const bytes of source)
      for (let at = 0; at < bytes.length; at += PART) yield* take(encoder.push(bytes.subarray(at, at + PART)))
    yield* take(encoder.end())
    yield standOf(run)
  } finally {
    run[Symbol.dispose]()
  }
}

const standOf = ({ tokens, bytes, cacheBytes }: TextReader) => ({ tokens, bytes, cacheBytes })

function reasonAgainst(word: string, planted: ReadonlySet<string>): Answer['refused'] {
  if (word.length > LONGEST_WORD) return 'too long'
  return planted.has(word) || planted.size === MOST_WORDS ? undefined : 'never planted'
}

/**
 * Finds how far tokens can be read at once: tokens from … end − 1, up to the last of a question, or a block; `text` is the text before their end. ids end where a
 * pre-token ends.
 */
function nextStop(
  tokenizer: TextTokenizer,
  ids: Ids,
  from: number,
  before: string,
): { readonly end: number; readonly text: string; readonly question?: string } {
  const most = Math.min(ids.length, from + BLOCK)
  const text = before + latin1(tokenizer.bytesOf(ids.subarray(from, most + 1))) // one more token shows whether a word goes on
  const lengthOf = (token: number) => tokenizer.bytesOf(ids.subarray(token, token + 1)).length
  for (const { 0: question, 1: word, 2: tooLong, index } of text.matchAll(QUESTION)) {
    const over = index + question.length // a letter never shares a token with what follows it
    let [end, at] = [from, before.length]
    while (at < over) at += lengthOf(end++)
    if (end > from && end <= most) return { end, text: text.slice(0, at), question: word ?? tooLong }
  }
  const next = most < ids.length ? lengthOf(most) : 0
  return { end: most, text: text.slice(0, text.length - next) }
}

/** Reads a question, and the model's answer to it, up to the closing bracket. */
async function answered(tokenizer: TextTokenizer, run: TextReader, question: Ids): Promise<string> {
  const said: number[] = []
  let next = largest((await run.read(question, 'last')).data)
  while (said.length < LONGEST_ANSWER && tokenizer.bytesOf([next])[0] !== 0x29) {
    said.push(next)
    next = largest((await run.read([next], 'last')).data)
  }
  return tokenizer.decode(said)
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes)
