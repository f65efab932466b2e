import type { Tensor } from '@sublinear/core'
import { bytesOfKey, keyOfBytes, type Key } from '@sublinear/hash-families'

const KINDS = ['text', 'bytes', 'integer'] as const

const kindOf = (key: Key) => (typeof key === 'string' ? 0 : typeof key === 'bigint' ? 2 : 1)

/** Keys as three tensors: their bytes behind each other, the length and the kind of each (0 a text, 1 bytes, 2 an integer). */
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

/** The keys that savedKeys wrote; none where the tensors are absent; undefined where they do not fit each other. */
export function keysIn(tensors: ReadonlyMap<string, Tensor>, keyBytes: number): Key[] | undefined {
  const bytes = tensors.get('key-bytes')?.data
  const lengths = tensors.get('key-lengths')?.data
  const kinds = tensors.get('key-kinds')?.data
  if (bytes === undefined && lengths === undefined && kinds === undefined) return []
  if (!(bytes instanceof Uint8Array && lengths instanceof Uint32Array && kinds instanceof Uint8Array)) return undefined
  if (kinds.length !== lengths.length || kinds.some((kind) => kind >= KINDS.length)) return undefined
  const keys: Key[] = []
  let at = 0
  for (const [i, length] of lengths.entries()) {
    if (length > keyBytes || at + length > bytes.length) return undefined
    const key = keyOfBytes(KINDS[kinds[i]], bytes.slice(at, at + length))
    if (key === undefined) return undefined
    keys.push(key)
    at += length
  }
  return at === bytes.length ? keys : undefined
}
