import { largest } from './generate'
import type { LanguageModel } from './language-model'
import { reader, type HeadSpec, type Reader } from './reader'

export interface ReadTextOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** The text's bytes, in parts of any length. */
  readonly source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Where the reading stands; with an answer where a question was met. */
export interface Reading {
  /** Tokens read, with the one that begins a text and the model's own answers. */
  readonly tokens: number
  /** Bytes that the streams of all heads hold. */
  readonly bytes: number
  /** Bytes that a float32 cache of all keys and values would hold. */
  readonly cacheBytes: number
  readonly answer?: { readonly word: string; readonly text: string }
}

/** Tokens between two reports. */
const BLOCK = 128
/** An answer ends at its bracket, or here. */
const LONGEST_ANSWER = 4
const QUESTION = /\(recall ([A-Za-z]{1,56})(?![A-Za-z])/g
/** Bytes of the longest question. */
const LOOK_BACK = 64
/** Bytes that become tokens at a time: a long part's tokens would outlive many collections of garbage while the model reads them. */
const PART = 4096

/**
 * A text of any length, read from the left; each question ` (recall word` in it is answered where it stands.
 * The model reads its own answer (without the bracket) before the text goes on, as if it had been written there.
 *
 * @returns reports, after every 128 tokens, after each answer and at the end
 * @throws TypeError, RangeError as reader
 * Guarantee: how the source is cut into parts changes answers by rounding alone. Holds at most 1028 bytes of text beside the part at hand.
 */
export async function* readText({ model, stream, source }: ReadTextOptions): AsyncGenerator<Reading> {
  const { tokenizer } = model
  const encoder = tokenizer.encoder()
  const run = reader({ model, stream })
  let before = '' // the last bytes of the tokens read
  try {
    run.read([tokenizer.bos], 'none')
    const take = function* (ids: Uint16Array): Generator<Reading> {
      for (let from = 0; from < ids.length;) {
        const next = nextStop(model, ids, from, before)
        before = next.before
        if (next.word === undefined) run.read(ids.subarray(from, next.end), 'none')
        else {
          const text = answered(model, run, ids.subarray(from, next.end))
          before = (before + text).slice(-LOOK_BACK)
          yield { ...standOf(run), answer: { word: next.word, text } }
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

const standOf = ({ tokens, bytes, cacheBytes }: Reader) => ({ tokens, bytes, cacheBytes })

/** Tokens from … end − 1 can be read at once: up to a question's last, or a block. ids end where a pre-token ends. */
function nextStop(
  { tokenizer }: LanguageModel,
  ids: Uint16Array,
  from: number,
  before: string,
): { readonly end: number; readonly before: string; readonly word?: string } {
  const most = Math.min(ids.length, from + BLOCK)
  const text = before + latin1(tokenizer.bytesOf(ids.subarray(from, most + 1))) // one more: does a word go on?
  const lengthOf = (token: number) => tokenizer.bytesOf(ids.subarray(token, token + 1)).length
  for (const { 0: question, 1: word, index } of text.matchAll(QUESTION)) {
    const over = index + question.length // a letter never shares a token with what follows it
    let [end, at] = [from, before.length]
    while (at < over) at += lengthOf(end++)
    if (end > from && end <= most) return { end, before: text.slice(Math.max(0, over - LOOK_BACK), over), word: word }
  }
  const next = most < ids.length ? lengthOf(most) : 0
  return { end: most, before: text.slice(0, text.length - next).slice(-LOOK_BACK) }
}

/** Reads a question and what the model says to it, up to the closing bracket. */
function answered({ tokenizer }: LanguageModel, run: Reader, question: Uint16Array): string {
  const said: number[] = []
  let next = largest(run.read(question, 'last').data)
  while (said.length < LONGEST_ANSWER && tokenizer.bytesOf([next])[0] !== 0x29) {
    said.push(next)
    next = largest(run.read([next], 'last').data)
  }
  return tokenizer.decode(said)
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes)
