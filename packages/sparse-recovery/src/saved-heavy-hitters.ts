import { checkInteger, checkSeed, decodeSnapshot } from '@sublinear/core'
import type { Key } from '@sublinear/hash-families'
import { measurements } from './measurements'
import { keysIn } from './saved-keys'

export const KIND = 'heavy-hitters'
export const VERSION = '2'
/** Changes that are hashed together. */
export const HELD = 64
/** 2^53 changes of this size stay within float64. */
export const LARGEST_CHANGE = 2 ** 900
/** Beyond what 2^53 changes reach, and so far below the end of float64 that answers stay finite. */
export const LARGEST_TOTAL = 2 ** 1000

export interface Contents {
  readonly state: Float64Array // m
  readonly indices: Float64Array // of the changes not yet in the state
  readonly changes: Float64Array
  /** Keys remembered, in order. */
  readonly keys: readonly { readonly index: number; readonly key: Key; readonly size: number }[]
  /** Keys of changes not yet in the state. */
  readonly pending: readonly (readonly [number, Key])[]
}

/**
 * Reads a snapshot of heavy hitters.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or do not fit each other
 */
export function readHeavyHitters(bytes: Uint8Array) {
  const who = 'restoreHeavyHitters'
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { n, k, epsilon, seed, keyBytes } = parameters
  if (!/^\d+$/.test(seed ?? '')) throw new RangeError(`${who}: the seed must be an integer, got ${seed}`)
  const options = {
    n: Number(n),
    k: Number(k),
    epsilon: Number(epsilon),
    seed: checkSeed(who, BigInt(seed)),
    keyBytes: Number(keyBytes),
  }
  checkInteger(who, 'keyBytes', options.keyBytes, 0, 2 ** 16)
  const { matrix } = measurements(who, options, options.seed) // throws where they are out of range; holds no state
  const numbers = (name: string) => tensors.get(name)?.data
  const state = numbers('state')
  const indices = numbers('held-indices')
  const changes = numbers('held-changes')
  const keyIndices = numbers('key-indices') ?? new Float64Array(0)
  const keySizes = numbers('key-sizes') ?? new Float64Array(0)
  const keys = keysIn(tensors, options.keyBytes)
  const isIndex = (index: number) => Number.isInteger(index) && index >= 0 && index < options.n
  const fits =
    state instanceof Float64Array &&
    indices instanceof Float64Array &&
    changes instanceof Float64Array &&
    keyIndices instanceof Float64Array &&
    keySizes instanceof Float64Array &&
    keys !== undefined &&
    state.length === matrix.m &&
    indices.length < HELD &&
    changes.length === indices.length &&
    state.every((total) => Math.abs(total) <= LARGEST_TOTAL) &&
    changes.every((change) => Math.abs(change) <= LARGEST_CHANGE) &&
    indices.every(isIndex) &&
    keyIndices.length === keys.length &&
    keyIndices.every(isIndex) &&
    keySizes.length <= Math.min(keys.length, 4 * options.k) &&
    keys.length - keySizes.length <= indices.length &&
    keySizes.every((size) => size >= 0 && size <= LARGEST_TOTAL)
  if (!fits) throw new RangeError(`${who}: the tensors do not fit the parameters`)
  const contents: Contents = {
    state,
    indices,
    changes,
    keys: Array.from(keySizes, (size, c) => ({ index: keyIndices[c], key: keys[c], size })),
    pending: keys.slice(keySizes.length).map((key, c) => [keyIndices[keySizes.length + c], key] as const),
  }
  return { options, contents }
}
