import { isUint8 } from '@sublinear/core'
import { bytesOfKey, keyOfBytes, type Key } from '@sublinear/hash-families'

/** Bytes beside a key's own: its index, its size, its kind and length. */
const EACH = 24

export interface CandidateKeys {
  /** The most bytes that it holds once a key has come. */
  readonly bytes: number
  /** The keys remembered, by index. */
  readonly known: ReadonlyMap<number, Key>
  /** Keeps a key if it is short enough and among the largest. `size` ≥ 0 is its size until it comes again. */
  offer(index: number, key: Key, size: number): void
  /** All keys with their sizes, in order of arrival. */
  readonly sizes: ReadonlyMap<number, number>
}

/**
 * Remembers the keys of the `count` indices of largest size, each with its size when it last came, so that a sketch of hashed keys can name its answers.
 *
 * Cost: nothing for a key that is smaller than all; else a pass over `count` numbers.
 *
 * @param count  the most keys
 * @param keyBytes  bytes of the longest key that is remembered; texts must be well-formed Unicode
 */
export function candidateKeys({ count, keyBytes }: { count: number; keyBytes: number }): CandidateKeys {
  const known = new Map<number, Key>()
  const sizes = new Map<number, number>()
  let least = 0 // a bound at or below the smallest size, while there are `count` keys
  return {
    bytes: count * (keyBytes + EACH),
    known,
    sizes,
    offer(index, key, size) {
      if (known.has(index)) {
        sizes.set(index, size)
        least = Math.min(least, size)
        return
      }
      if ((known.size === count && size <= least) || !isShort(key, keyBytes)) return
      if (known.size === count) {
        let smallest = -1
        let next = Infinity
        least = Infinity
        for (const [at, one] of sizes) {
          if (one < least) [next, least, smallest] = [least, one, at]
          else next = Math.min(next, one)
        }
        if (size <= least) return
        known.delete(smallest)
        sizes.delete(smallest)
        least = Math.min(next, size)
      } else least = known.size === 0 ? size : Math.min(least, size)
      known.set(index, isUint8(key) ? key.slice() : key)
      sizes.set(index, size)
    },
  }
}

/** Whether a key can be remembered: as bytes from which it can be made again. */
export function isShort(key: Key, keyBytes: number): boolean {
  if (isUint8(key)) return key.length <= keyBytes
  if (typeof key === 'string' && key.length > keyBytes) return false
  const bytes = bytesOfKey(key)
  return bytes.length <= keyBytes && (typeof key === 'bigint' || keyOfBytes('text', bytes) === key)
}
