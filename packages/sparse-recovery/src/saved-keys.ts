import type { Tensor } from '@sublinear/core'
import { bytesOfKey, keyOfBytes, type Key } from '@sublinear/hash-families'

const KINDS = ['text', 'bytes', 'integer'] as const

const kindOf = (key: Key) => (typeof key === 'string' ? 0 : typeof key === 'bigint' ? 2 : 1)

/** Saves keys as three tensors: their bytes one after the other, and the length and kind of each (0 a text, 1 bytes, 2 an integer). */
export function savedKeys(keys: readonly Key[]): { [name: string]: Tensor } {
  const all = keys.map(bytesOfKey)
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of all) {
    bytes.set(one, at)
    at += one.length
  }
  return {
    'key-bytes': { dtype: 'U8', shape: [bytes.length], data: bytes },
    'key-lengths': { dtype: 'U32', shape: [all.length], data: Uint32Array.from(all, ({ length }) => length) },
    'key-kinds': { dtype: 'U8', shape: [all.length], data: Uint8Array.from(keys, kindOf) },
  }
}

/** Fields of keys, for a schema. */
export const keyFields = {
  'key-lengths': { type: 'U32', optional: true, whole: true, least: 0 },
  'key-kinds': { type: 'U8', like: 'key-lengths', optional: true, whole: true, least: 0, most: KINDS.length - 1 },
  'key-bytes': { type: 'U8', optional: true, whole: true, least: 0 },
} as const

interface KeyTensors {
  readonly 'key-lengths': Uint32Array
  readonly 'key-kinds': Uint8Array
  readonly 'key-bytes': Uint8Array
}

/**
 * Reads the keys that savedKeys wrote; none where the tensors are empty. @throws RangeError when lengths and bytes do not fit each other, or one is no key
 */
export function keysIn(who: string, tensors: KeyTensors, keyBytes: number): Key[] {
  const { 'key-lengths': lengths, 'key-kinds': kinds, 'key-bytes': bytes } = tensors
  let at = 0
  const keys = Array.from(lengths, (length, i) => {
    const fits = length <= keyBytes && at + length <= bytes.length
    const key = fits ? keyOfBytes(KINDS[kinds[i]], bytes.slice(at, (at += length))) : undefined
    if (key === undefined) throw new RangeError(`${who}: the tensors do not fit the parameters: key ${i} is none`)
    return key
  })
  if (at !== bytes.length)
    throw new RangeError(`${who}: the tensors do not fit the parameters: there are bytes of no key`)
  return keys
}
