import { checkInteger } from '@sublinear/core'
import type { LanguageModel } from './language-model'
import type { PromptTokenizer } from './needle-prompt'
import { reader, type HeadSpec } from './reader'
import { readThrough, type Reads } from './reads'

export interface BitsOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** Token ids of the text, without the token that begins a text. */
  readonly ids: ArrayLike<number>
  /** Length of a window: `bos` and all its tokens except the last are read, and the second half of its tokens is scored. */
  readonly tokens: number
}

/** Bits that it cost to predict tokens, and the number of bytes of text that these tokens stand for. */
export interface Bits {
  readonly bits: number
  readonly bytes: number
}

/** Number of rows of logits held at once: 64 rows of 1472 are 377 kB. */
const BLOCK = 64

/**
 * Measures the bits that the model needs for the second half of one window of a text.
 * Source: cross-entropy, by the protocol of the training scripts' evaluation: every scored token has at least half a window of context.
 *
 * Guarantee: a pure function of its options: two streams are compared on the same bytes.
 *
 * @param from  the window's first token; tokens  its length, even
 * @throws TypeError, RangeError when the window is not within the text, or as reader does
 */
export function bitsOfWindow({ model, stream, ...text }: BitsOptions & { readonly from: number }): Bits {
  const reads = windowReads({ tokenizer: model.tokenizer, ...text })
  const run = reader({ model, stream })
  try {
    return readThrough(reads, run)
  } finally {
    run[Symbol.dispose]()
  }
}

/** Does the same as reads, for a reader of any kind that has read nothing. @throws TypeError, RangeError at once when the window is not within the text */
export function windowReads({
  tokenizer,
  ids,
  tokens,
  from,
}: Pick<BitsOptions, 'ids' | 'tokens'> & {
  readonly tokenizer: Pick<PromptTokenizer, 'bos' | 'bytesOf'>
  readonly from: number
}): Reads<Bits> {
  checkInteger('bitsOfWindow', 'tokens', tokens, 2)
  checkInteger('bitsOfWindow', 'from', from, 0)
  if (from + tokens > ids.length)
    throw new RangeError(`bitsOfWindow: tokens ${from} to ${from + tokens - 1} are not within the ${ids.length} given`)
  return scored(
    tokenizer,
    Array.from({ length: tokens }, (_, i) => ids[from + i]),
  )
}

function* scored({ bos, bytesOf }: Pick<PromptTokenizer, 'bos' | 'bytesOf'>, own: readonly number[]): Reads<Bits> {
  const half = Math.floor(own.length / 2)
  yield { ids: [bos, ...own.slice(0, half - 1)], logits: 'none' }
  let nats = 0
  for (let at = half; at < own.length; at += BLOCK) {
    const to = Math.min(own.length, at + BLOCK)
    const { data, cols } = yield { ids: own.slice(at - 1, to - 1), logits: 'all' }
    for (let i = at; i < to; i++) nats += surprise(data.subarray((i - at) * cols, (i - at + 1) * cols), own[i])
  }
  return { bits: nats / Math.LN2, bytes: bytesOf(own.slice(half)).length }
}

/**
 * Measures bits per byte over windows that are spread evenly over a text.
 *
 * @param windows  the most windows; fewer where so many would overlap; onProgress  called with the number of windows done
 * @returns bits / bytes is the measure
 * @throws TypeError, RangeError when the text is shorter than a window, or as reader does
 */
export function bitsPerByte({
  windows,
  onProgress,
  ...options
}: BitsOptions & { readonly windows: number; readonly onProgress?: (done: number) => void }): Bits {
  let [bits, bytes, done] = [0, 0, 0]
  for (const from of windowStarts(options.ids.length, options.tokens, windows)) {
    const own = bitsOfWindow({ ...options, from })
    bits += own.bits
    bytes += own.bytes
    onProgress?.(++done)
  }
  return { bits, bytes }
}

/** Places of up to `most` windows of `tokens` tokens in a text of `length`: evenly spread, not overlapping. */
export function windowStarts(length: number, tokens: number, most: number): number[] {
  checkInteger('windowStarts', 'length', length, 0)
  checkInteger('windowStarts', 'tokens', tokens, 2)
  checkInteger('windowStarts', 'windows', most, 1)
  const count = Math.min(most, Math.floor(length / tokens))
  if (count === 0) throw new RangeError(`windowStarts: the text must have at least ${tokens} tokens, got ${length}`)
  const step = Math.floor((length - tokens) / Math.max(1, count - 1))
  return Array.from({ length: count }, (_, i) => i * step)
}

/** Computes −log of the softmax of a row at one entry, in nats. */
function surprise(row: Float32Array, at: number): number {
  let top = -Infinity
  for (const x of row) if (x > top) top = x
  let mass = 0
  for (const x of row) mass += Math.exp(x - top)
  return Math.log(mass) + top - row[at]
}
