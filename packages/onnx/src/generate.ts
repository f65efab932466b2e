import { checkInteger } from '@sublinear/core'
import type { OnnxReader } from './reader'
import { sampler, type SamplerOptions } from './sampler'
import { stopText } from './stop-text'

export interface GenerateOptions extends SamplerOptions {
  /** Tokens that have come since the reader last read, at least one. */
  readonly ids: ArrayLike<number>
  /** Most tokens to add. */
  readonly most: number
  /** Tokens that end a text; they are not yielded. */
  readonly end?: readonly number[] | undefined
  /** Decodes tokens to text. Absent: only ids are yielded. */
  readonly decode?: ((ids: number[]) => string) | undefined
  /** Strings that end a text; they are not yielded. They need `decode`. */
  readonly stop?: readonly string[] | undefined
  /** Cancels the run between two tokens, or two blocks of 256; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
}

export interface Generated {
  /** Id of the token. Absent where the text has ended and held-back text is left. */
  readonly id?: number | undefined
  /** Text since the last token, as far as it is certain: a character may take several tokens, and the beginning of a stop string is held back. */
  readonly text: string
}

/**
 * Generates a model's text, token by token.
 *
 * Guarantee: a pure function of the options and of what the reader has read. The texts, joined, are the text before the first stop string.
 * Cost: that of the reader, and of choosing each token.
 *
 * @param reader  reads `ids`, then every yielded token except the last; it can go on afterwards
 * @throws TypeError, RangeError as sampler and reader do; the signal's reason when it is aborted
 */
export async function* generate(
  reader: OnnxReader,
  options: GenerateOptions,
): AsyncGenerator<Generated, void, undefined> {
  const { ids, most, end = [], decode, stop = [], signal } = options
  checkInteger('generate', 'most', most, 0)
  if (ids.length === 0) throw new RangeError('generate: ids must have at least one token, got none')
  if (stop.length > 0 && !decode) throw new TypeError('generate: stop strings need decode')
  const choose = sampler(options)
  const stops = stopText(stop)
  const text = decode && runningText(decode)
  let given = ids
  for (let index = 0; index < most; index++) {
    const { data } = await readWith(reader, given, signal)
    const id = choose(data, index)
    if (end.includes(id)) break
    const { text: shown, isOver } = stops.push(text?.push(id) ?? '')
    const isLast = isOver || index === most - 1
    yield { id, text: isLast && !isOver ? shown + last(stops.push(text?.end() ?? ''), stops.end()) : shown }
    if (isLast) return
    given = [id]
  }
  const rest = last(stops.push(text?.end() ?? ''), stops.end())
  if (rest !== '') yield { text: rest }
}

const last = ({ text, isOver }: { readonly text: string; readonly isOver: boolean }, held: string) =>
  isOver ? text : text + held

/** Number of tokens of a block; an abort is noticed between blocks. */
const BLOCK = 256

async function readWith(reader: OnnxReader, ids: ArrayLike<number>, signal: AbortSignal | undefined) {
  signal?.throwIfAborted()
  const all = Array.from(ids)
  let from = 0
  for (; from + BLOCK < all.length; from += BLOCK) {
    await reader.read(all.slice(from, from + BLOCK), 'none')
    signal?.throwIfAborted()
  }
  return reader.read(all.slice(from), 'last')
}

/** Number of tokens that are decoded again: text before them cannot change what follows. */
const CONTEXT = 16

/** Decodes tokens one after another, and holds back text that later tokens may change: bytes of an unfinished character show as U+FFFD. */
function runningText(decode: (ids: number[]) => string) {
  let ids: number[] = []
  let shown = '' // text of these tokens that was shown
  const more = (isOver: boolean): string => {
    const all = decode(ids)
    if (!isOver && all.endsWith('\ufffd')) return ''
    const piece = all.slice(shown.length)
    shown = all
    return piece
  }
  return {
    push(id: number): string {
      ids.push(id)
      const piece = more(false)
      if (ids.length > 2 * CONTEXT && piece !== '') {
        ids = ids.slice(-CONTEXT)
        shown = decode(ids)
      }
      return piece
    },
    end: () => more(true),
  }
}
