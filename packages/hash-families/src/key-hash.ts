import { isUint32, isUint8 } from '@sublinear/kernels'
import { checkInteger, checkObject, checkSeed, decodeUtf8, philox, seedWords, type Seed } from '@sublinear/core'
import { sipHash } from './sip-hash'
import { STREAMS } from './streams'

/** A key of a user's own: a text, bytes, or an integer of any length as a bigint. Numbers are indices, and no keys. */
export type Key = string | Uint8Array | bigint

export interface KeyHash {
  readonly seed: bigint
  /** Bytes held: the two keys of SipHash. */
  readonly bytes: number
  /** The hash of a key, 64 bits. */
  value(key: Key): bigint
  /** Writes the hash of a key as two words; out[0] is the lower word. */
  words(key: Key, out: Uint32Array): void
  /** An index 0 … n − 1 for a key, ⌊upper word · n/2³²⌋, for n ≤ 2^32; each has a probability of 1/n up to 2⁻³². */
  index(key: Key, n: number): number
}

/**
 * Hashes a key to 64 bits: SipHash-2-4 of its bytes.
 * Source: Aumasson and Bernstein, 2012. Not from the papers. Deviation: the 128-bit key is drawn from the seed by Philox.
 *
 * Guarantee: over the seed, two keys that were chosen without knowing it collide with probability 2⁻⁶⁴, if SipHash is a pseudorandom function; no better
 *   attack is known. That is a conjecture of cryptography, not the proved k-wise independence of polynomialHash, which takes the index that this hash gives.
 * Cost: some 0.15 µs for a short key.
 *
 * @param key  a text (its UTF-8 bytes; a lone surrogate counts as the three bytes that it would have, so that different texts are different keys), bytes
 *   (a text and its UTF-8 bytes are the same key), or a bigint ≥ 0 (its bytes, lowest first, at least 8, under another key of SipHash: 97n is not 'a')
 * @param seed  64 bits
 * @throws TypeError, RangeError when the key is no text, bytes or bigint ≥ 0, or the seed is out of range
 * @example hashKey('user-1', 7) // 8221425015615667220n
 */
export function hashKey(key: Key, seed: Seed): bigint {
  return make('hashKey', seed).value(key)
}

/**
 * Makes a hash for many keys under one seed: the values of `hashKey`.
 *
 * Guarantee: as hashKey.
 * Cost: 32 bytes; some 0.1 µs for a short key.
 *
 * @param seed  64 bits that decide the hash
 * @throws TypeError, RangeError as hashKey does
 * @example keyHash({ seed: 7 }).index('user-1', 1000) // 445
 */
export function keyHash(options: { readonly seed: Seed }): KeyHash {
  const { seed } = checkObject('keyHash', options)
  return make('keyHash', seed)
}

/** Bytes of a key and how many they are. They are the caller's own array where the key is bytes, else written into `room`, which grows. */
export interface KeyBytes {
  room: Uint8Array<ArrayBufferLike>
  length: number
}

function make(who: string, seed: Seed): KeyHash {
  const whole = checkSeed(who, seed)
  const [low, high] = seedWords(whole)
  const [ofBytes, ofIntegers] = [0, 1].map((which) => {
    const four = new Uint32Array(4)
    philox(four, low, high, which, 0, 0, STREAMS.keys)
    return four
  })
  const bytes: KeyBytes = { room: new Uint8Array(64), length: 0 }
  const two = new Uint32Array(2)
  const words = (key: Key, out: Uint32Array) => {
    if (isUint8(key)) return sipHash(out, ofBytes, key, key.length)
    writeKey(who, key, bytes)
    sipHash(out, typeof key === 'bigint' ? ofIntegers : ofBytes, bytes.room, bytes.length)
  }
  return {
    seed: whole,
    bytes: ofBytes.byteLength + ofIntegers.byteLength,
    value(key) {
      words(key, two)
      return (BigInt(two[1]) << 32n) | BigInt(two[0])
    },
    words(key, out) {
      if (!isUint32(out) || out.length < 2) throw new TypeError(`${who}: out must be a Uint32Array of two words`)
      words(key, out)
    },
    index(key, n) {
      checkInteger(who, 'n', n, 1, 2 ** 32)
      words(key, two)
      return shareOf(two, n)
    },
  }
}

/** The share ⌊upper word · n/2³²⌋ of a hash, exactly: no product leaves 2⁵³. */
function shareOf(words: Uint32Array, n: number): number {
  const word = words[1]
  return Math.floor(((word >>> 16) * n + Math.floor(((word & 0xffff) * n) / 65536)) / 65536)
}

/**
 * The bytes of a key that hashKey hashes; a copy.
 *
 * @throws TypeError, RangeError when `key` is no key
 */
export function bytesOfKey(key: Key): Uint8Array {
  if (isUint8(key)) return Uint8Array.from(key)
  const to: KeyBytes = { room: new Uint8Array(8), length: 0 }
  writeKey('bytesOfKey', key, to)
  return Uint8Array.from(to.room.subarray(0, to.length))
}

/** The key of a kind that has these bytes; undefined where none has them: a text that is not well-formed, or an integer whose shortest bytes are others. */
export function keyOfBytes(kind: 'text' | 'bytes' | 'integer', bytes: Uint8Array): Key | undefined {
  checkObject('keyOfBytes', bytes, 'bytes')
  if (kind === 'bytes') return bytes.slice()
  const key = kind === 'text' ? textOf(bytes) : bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  if (key === undefined) return undefined
  const again = bytesOfKey(key)
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]) ? key : undefined
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes)
  } catch {
    return undefined
  }
}

/** Writes the bytes of a text or a bigint. @throws TypeError, RangeError when the key is neither, or below 0 */
export function writeKey(who: string, key: unknown, to: KeyBytes): void {
  if (typeof key === 'string') return writeText(key, to)
  if (typeof key !== 'bigint') {
    throw new TypeError(`${who}: key must be a string, a Uint8Array or a bigint, got ${typeof key}`)
  }
  if (key < 0n) throw new RangeError(`${who}: key must be a bigint >= 0, got ${key}`)
  to.length = 0
  for (let rest = key, least = 8; rest > 0n || least > 0; rest >>= 8n, least--) {
    if (to.length === to.room.length) grow(to, 2 * to.length)
    to.room[to.length++] = Number(rest & 255n)
  }
}

function writeText(text: string, to: KeyBytes): void {
  if (to.room.length < 3 * text.length) grow(to, 3 * text.length)
  const { room } = to
  let at = 0
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i)
    if (code < 0x80) {
      room[at++] = code
      continue
    }
    if ((code & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      code = 0x10000 + ((code & 0x3ff) << 10) + (text.charCodeAt(++i) & 0x3ff)
    }
    if (code < 0x800) room[at++] = 0xc0 | (code >> 6)
    else {
      if (code < 0x10000) room[at++] = 0xe0 | (code >> 12)
      else {
        room[at++] = 0xf0 | (code >> 18)
        room[at++] = 0x80 | ((code >> 12) & 0x3f)
      }
      room[at++] = 0x80 | ((code >> 6) & 0x3f)
    }
    room[at++] = 0x80 | (code & 0x3f)
  }
  to.length = at
}

function grow(to: KeyBytes, size: number): void {
  const more = new Uint8Array(size)
  more.set(to.room)
  to.room = more
}
