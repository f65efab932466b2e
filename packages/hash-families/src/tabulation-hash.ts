import { checkInteger, checkObject, checkSeed, philox, seedWords, type Seed } from '@sublinear/core'
import { checkOut, checkRange } from './keys'
import { STREAMS } from './streams'

export interface TabulationHash {
  readonly characterBits: number
  /** Number of keys: they are 0 … domain − 1. */
  readonly domain: number
  readonly seed: bigint
  /** Bytes of the three tables. */
  readonly bytes: number
  /** The hash of a key, 32 bits. */
  value(key: number): number
  /** Writes the value of key first + c to out[c], for c < count. */
  fill(first: number, count: number, out: Uint32Array): void
}

/**
 * Hashes keys of two characters x and y by derived tabulation: T₀[x] ⊕ T₁[y] ⊕ T₂[x + y], where x + y is a sum of integers.
 * Source: Thorup and Zhang, 2012; Definition 3.2 (one-pass paper) with k = 5 and l = 2^32. Deviation: the tables grow with the
 * domain, so signs from them do not keep the O(log n) bits of Definition 3.4.
 *
 * Guarantee: over the seed, the values of any five distinct keys are independent and exactly uniform on 0 … 2^32 − 1.
 * Cost: 7 ns a key; 4·(4·2^characterBits − 1) bytes.
 *
 * @param characterBits  bits of a character, 1 … 16; keys are 0 … 4^characterBits − 1
 * @param seed  64 bits that decide the tables
 * @throws TypeError, RangeError when an option or a key is out of range
 * @example tabulationHash({ characterBits: 12, seed: 7 }).value(5) // 4071350241
 */
export function tabulationHash(options: { characterBits: number; seed: Seed }): TabulationHash {
  const { characterBits, seed } = checkObject('tabulationHash', options)
  const who = 'tabulationHash'
  checkInteger(who, 'characterBits', characterBits, 1, 16)
  const whole = checkSeed(who, seed)
  const size = 2 ** characterBits
  const domain = size * size
  const table = randomTable(seedWords(whole), 4 * size - 1) // T₀, T₁, T₂ one after the other
  const value = (key: number) => {
    const x = key & (size - 1)
    const y = key >>> characterBits
    return (table[x] ^ table[size + y] ^ table[2 * size + x + y]) >>> 0
  }
  return {
    characterBits,
    domain,
    seed: whole,
    bytes: table.byteLength,
    value(key) {
      checkInteger(who, 'key', key, 0, domain - 1)
      return value(key)
    },
    fill(first, count, out) {
      checkRange(who, first, count, domain)
      checkOut(who, out, count)
      for (let c = 0; c < count; c++) out[c] = value(first + c)
    },
  }
}

function randomTable([low, high]: [number, number], length: number): Uint32Array {
  const table = new Uint32Array(Math.ceil(length / 4) * 4)
  for (let i = 0; i < length; i += 4) philox(table.subarray(i, i + 4), low, high, i / 4, 0, 0, STREAMS.tables)
  return table.slice(0, length)
}
