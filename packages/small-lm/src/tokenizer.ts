import { checkInteger } from '@sublinear/core'
import { preTokenIds } from './pre-token-ids'
import { LOOKAHEAD, preTokenEnd } from './pre-tokens'

/** A tokenizer by byte-level byte-pair encoding: ids 0 … 255 are bytes, 256 + i is merge i, and the last id begins a text and has no bytes. */
export interface Tokenizer {
  readonly vocabulary: number
  /** Id that begins every text. */
  readonly bos: number
  /** Encodes a text without loss: bytesOf(encode(text)) is its UTF-8; bytes that are no UTF-8 are kept, too. */
  encode(text: string | Uint8Array): Uint16Array
  /** Makes an encoder that gives the same ids for bytes that come in parts of any length. */
  encoder(): Encoder
  /** Decodes ids to text; bytes that are no UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>): string
  bytesOf(ids: ArrayLike<number>): Uint8Array
}

export interface Encoder {
  /** Takes bytes and returns the ids that later bytes cannot change; the other bytes, at most 1028, wait. */
  push(bytes: Uint8Array): Uint16Array
  /** Returns the ids of the waiting bytes; the encoder can then begin anew. */
  end(): Uint16Array
}

/**
 * Makes the tokenizer of a list of merges.
 * Source: byte-pair encoding (Sennrich, Haddow and Birch 2016) over bytes: within a pre-token, the earliest merge of the list that
 *   applies is applied everywhere, again and again. Deviation: that of preTokenEnd.
 *
 * Cost: a look-up for a pre-token seen lately, O(length²) for another; 0.4 MB.
 *
 * @param merges  pairs of ids, each below the id that the merge itself gets
 * @throws TypeError, RangeError when a merge is no pair of earlier ids, or there are more than 65279
 */
export function tokenizer(merges: readonly (readonly [number, number])[]): Tokenizer {
  const who = 'tokenizer'
  if (!Array.isArray(merges)) throw new TypeError(`${who}: merges must be a list of pairs`)
  checkInteger(who, 'merges.length', merges.length, 0, 65535 - 256)
  const bytesById: Uint8Array[] = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
  const idOfPair = new Map<number, number>() // left · 2^16 + right
  for (const [i, pair] of (merges as readonly (readonly [number, number])[]).entries()) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new TypeError(`${who}: merge ${i} must be a pair of ids`)
    for (const id of pair) checkInteger(who, `merge ${i}`, id, 0, 255 + i)
    const [left, right] = pair as [number, number]
    bytesById.push(Uint8Array.of(...bytesById[left], ...bytesById[right]))
    if (!idOfPair.has(left * 65536 + right)) idOfPair.set(left * 65536 + right, 256 + i)
  }
  const bos = bytesById.length
  bytesById.push(new Uint8Array(0))
  const writeIds = preTokenIds((preToken) => merged(preToken, idOfPair))

  /** The ids of the pre-tokens whose end is certain, and where the other bytes begin. */
  const encodeFrom = (bytes: Uint8Array, isWhole: boolean): { ids: Uint16Array; rest: number } => {
    const ids = new Uint16Array(bytes.length)
    let count = 0
    let at = 0
    while (at < bytes.length) {
      const end = preTokenEnd(bytes, at)
      if (!isWhole && end + LOOKAHEAD > bytes.length) break
      count = writeIds(ids, count, bytes, at, end)
      at = end
    }
    return { ids: ids.slice(0, count), rest: at }
  }

  const bytesOf = (ids: ArrayLike<number>): Uint8Array => {
    checkIds('decode', ids, bos + 1)
    let size = 0
    for (let i = 0; i < ids.length; i++) size += bytesById[ids[i]].length
    const bytes = new Uint8Array(size)
    for (let i = 0, at = 0; i < ids.length; at += bytesById[ids[i++]].length) bytes.set(bytesById[ids[i]], at)
    return bytes
  }

  return {
    vocabulary: bos + 1,
    bos,
    encode(text) {
      return encodeFrom(typeof text === 'string' ? utf8(text) : checkedBytes(text), true).ids
    },
    encoder() {
      let waiting = new Uint8Array(0)
      const take = (bytes: Uint8Array, isWhole: boolean) => {
        const { ids, rest } = encodeFrom(bytes, isWhole)
        waiting = bytes.slice(rest)
        return ids
      }
      return {
        push(bytes) {
          const all = new Uint8Array(waiting.length + checkedBytes(bytes).length)
          all.set(waiting)
          all.set(bytes, waiting.length)
          return take(all, false)
        },
        end: () => take(waiting, true),
      }
    },
    decode: (ids) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(ids)),
    bytesOf,
  }
}

/** Refuses ids that are no integers from 0 to vocabulary − 1; the error names the position. */
export function checkIds(who: string, ids: ArrayLike<number>, vocabulary: number): void {
  if (typeof ids !== 'object' || ids === null || !Number.isInteger(ids.length))
    throw new TypeError(`${who}: ids must be a list of token ids, got ${String(ids)}`)
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]
    if (!(Number.isInteger(id) && id >= 0 && id < vocabulary))
      throw new RangeError(
        `${who}: ids must be integers from 0 to ${vocabulary - 1}, got ${String(id)} at position ${i}`,
      )
  }
}

/** The ids of one pre-token: the earliest merge that applies is applied from left to right, until none does. */
function merged(preToken: Uint8Array, idOfPair: ReadonlyMap<number, number>): number[] {
  let ids = Array.from(preToken)
  for (;;) {
    let next = Infinity
    for (let i = 0; i + 1 < ids.length; i++) next = Math.min(next, idOfPair.get(ids[i] * 65536 + ids[i + 1]) ?? next)
    if (next === Infinity) return ids
    const shorter: number[] = []
    for (let i = 0; i < ids.length; i++) {
      if (i + 1 < ids.length && idOfPair.get(ids[i] * 65536 + ids[i + 1]) === next) {
        shorter.push(next)
        i++
      } else shorter.push(ids[i])
    }
    ids = shorter
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text)

function checkedBytes(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('encode: text must be a string or a Uint8Array')
  return bytes
}
