import { checkInteger } from '@sublinear/core'
import type { OnnxReader } from './reader'
import { sampler, type SamplerOptions } from './sampler'
import { stopText } from './stop-text'

export interface GenerateOptions extends SamplerOptions {
  /** Tokens that came since the reader last read: at least one. */
  readonly ids: ArrayLike<number>
  /** Tokens to add, at most. */
  readonly most: number
  /** Tokens that end a text; they are not given. */
  readonly end?: readonly number[] | undefined
  /** The text of tokens; without it only ids are given. */
  readonly decode?: ((ids: number[]) => string) | undefined
  /** Strings that end a text; they are not given. They need `decode`. */
  readonly stop?: readonly string[] | undefined
  /** Cancels it between two tokens, or two blocks of 256: its reason is thrown. */
  readonly signal?: AbortSignal | undefined
}

export interface Generated {
  /** Absent where the text has ended and something held back of it is left. */
  readonly id?: number | undefined
  /** Text since the last token, as far as it is certain: a character may take several tokens, and a stop string is waited for. */
  readonly text: string
}

/**
 * A model's text, token by token.
 *
 * Guarantee: a pure function of what the reader has read and the options. The texts joined are the text before the first stop string.
 *
 * @param reader  reads `ids`, and then every token that is given but the last; it can go on afterwards
 * @throws TypeError, RangeError as sampler and reader; the signal's reason when it is aborted, between two tokens or two blocks of 256
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

/** Blocks between which an abort is heard. */
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

/** Tokens kept to be decoded again: what stands before them cannot change what follows. */
const CONTEXT = 16

/** The text of tokens one after another, without what later ones may still change: bytes of an unfinished character show as U+FFFD. */
function runningText(decode: (ids: number[]) => string) {
  let ids: number[] = []
  let shown = '' // of these
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
